"""Who is told of what errands found."""

from __future__ import annotations

from typing import Protocol

from sidecar.canary.changeover import Changeover
from sidecar.canary.diagnosis import Alarm, Said
from sidecar.canary.variants import Change


class Hearing(Protocol):
    """Is told what errands found."""

    def changed(self, change: Change) -> None:
        """Another variant answers."""

    def confirmed(self, change: Change) -> None:
        """A change that was told shows itself by a further sign."""

    def compared(self, changeover: Changeover) -> None:
        """What a change did is known, as far as it will be."""

    def explained(self, alarm: Alarm, said: Said) -> None:
        """Why an alarm came is known, or will not be."""
