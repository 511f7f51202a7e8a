"""How well the classifier tells refusals in one language, counted on labelled answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Calibration:
    """``detected`` of ``positives`` refusals were called refusals, ``cleared`` of ``negatives``
    other answers were not. All >= 0, each part at most its whole.
    """

    detected: int
    positives: int
    cleared: int
    negatives: int

    def __post_init__(self) -> None:
        if not (0 <= self.detected <= self.positives and 0 <= self.cleared <= self.negatives):
            raise ValueError(
                f"need 0 <= detected <= positives and 0 <= cleared <= negatives, got {self.detected} of "
                f"{self.positives} and {self.cleared} of {self.negatives}"
            )

    @property
    def sensitivity(self) -> float:
        """In [0, 1]; nan without refusals."""
        return self.detected / self.positives if self.positives else float("nan")

    @property
    def specificity(self) -> float:
        """In [0, 1]; nan without other answers."""
        return self.cleared / self.negatives if self.negatives else float("nan")
