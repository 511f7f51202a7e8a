"""A document reaches the child, and nobody after it."""

import os

from sidecar import handover


def test_a_document_is_read_once_and_wiped():
    fd = handover.document({"install_key": "5ec4e7"})
    kept = os.dup(fd)
    assert handover.read_document(fd) == {"install_key": "5ec4e7"}
    assert not os.pread(kept, 1000, 0).strip(b"\0")
    os.close(kept)
