"""Where prompts and answers are kept, for those who want them kept."""

from __future__ import annotations

import logging
from pathlib import Path

from sidecar.config import Config
from sidecar.store.samples import SampleError, SampleStore, sample_key

log = logging.getLogger("kilter.monitor")


def sample_store(config: Config) -> SampleStore | None:
    """Where text is kept; None where it is not to be, or cannot be: monitoring goes on without."""
    keep = config.keep_samples
    if not keep.dir:
        return None
    try:
        store = SampleStore(Path(keep.dir), sample_key(keep.key_file), keep.ttl_s, keep.max_bytes)
    except (OSError, SampleError) as error:
        log.error("samples cannot be kept", extra={"fields": {"why": str(error)}})  # noqa: TRY400  # its text says all
        return None
    fields = {"dir": keep.dir, "ttl_s": keep.ttl_s, "max_bytes": keep.max_bytes}
    log.warning("prompts and answers are kept, encrypted (keep_samples)", extra={"fields": fields})
    return store
