"""What every process does first: no core dump, no secret in its environment."""

from __future__ import annotations

import ctypes
import os
import resource
from collections.abc import Mapping

_PR_SET_DUMPABLE = 4
_KEPT = frozenset(
    {
        "PATH",
        "HOME",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "TZ",
        "TMPDIR",
        "PYTHONPATH",
        "PYTHONSAFEPATH",
        "PYTHONHOME",
        "VIRTUAL_ENV",
        "PYTHONWARNINGS",
        "PYTHONDONTWRITEBYTECODE",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "LD_LIBRARY_PATH",
        "OPENBLAS_CORETYPE",
        "OPENBLAS_L2_SIZE",
        "OPENBLAS_NUM_THREADS",
        "OMP_NUM_THREADS",
    }
)


def forbid_core_dumps() -> None:
    """A core dump would hold prompts and answers."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def scrubbed(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a child process may know: nothing that could be a key.

    >>> scrubbed({"PATH": "/bin", "OPENAI_API_KEY": "s", "KILTER_ADMIN_TOKEN": "t"})
    {'PATH': '/bin'}
    """
    return {name: value for name, value in environ.items() if name in _KEPT}
