"""The log as one archive that an auditor can keep and check without a running Kilter."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import asdict
from pathlib import Path

from sidecar.evidence.payloads import FOLDER
from sidecar.evidence.segments import ORIGIN, kept, origin
from sidecar.evidence.verify import Verdict

README = """\
An evidence log of Kilter. Each line of a segment (YYYY-MM-DD.jsonl) is
{"seal":"<64 hexadecimal digits>","record":<JSON>}, with

    seal(n) = HMAC-SHA256(key, seal(n-1) as 32 bytes + the record's JSON as it stands)

and 32 zero bytes before record 1; where the file `origin` exists, the seal that it names stands before the
first kept record. With an empty key the seal is SHA-256 of the same bytes. Payloads lie in payloads/,
each with its salt: a record's `payload` is SHA-256(salt + payload text). An erased payload is missing, and
an `erasure` record names it.

    kilter evidence verify DIRECTORY --key FILE [--head NUMBER:SEAL]

A consistent chain shows that nothing in it was changed by somebody without the key. That nothing is missing
at its end shows only against a head that was kept elsewhere. `verification.json` is what verification said when
the archive was made.
"""


def export(directory: Path, found: Verdict, to: Path, *, with_payloads: bool) -> None:
    """Writes a .tar.gz. OSError where it cannot be written, FileExistsError where it is there already."""
    with tarfile.open(to, "x:gz") as archive:
        _add(archive, "README.txt", README.encode())
        said = {**asdict(found), "head": str(found.head)}
        _add(archive, "verification.json", (json.dumps(said, indent=2) + "\n").encode())
        for path in [directory / ORIGIN, *kept(directory, origin(directory))]:
            if path.exists():
                _add(archive, path.name, path.read_bytes())
        if with_payloads:
            for path in sorted((directory / FOLDER).glob("*.json")):
                _add(archive, f"{FOLDER}/{path.name}", path.read_bytes())


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(f"kilter-evidence/{name}")
    entry.size = len(content)
    entry.mode = 0o600
    archive.addfile(entry, io.BytesIO(content))
