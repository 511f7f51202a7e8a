"""One thing to be asked besides the rota."""

from __future__ import annotations

from dataclasses import dataclass

from sidecar.canary.case import Case
from sidecar.canary.mirror import Sampling
from sidecar.canary.recheck import Recheck


@dataclass(frozen=True, slots=True)
class Errand:
    """``case`` is to be asked as its ``repeat``; the result belongs to ``run``. ``recheck``: whose pair it makes. ``sampling``: as
    it was asked then, so that what users send now makes no difference between then and now.
    """

    case: Case
    repeat: int
    run: str
    recheck: Recheck | None = None
    sampling: Sampling | None = None
