"""What the status page counts, since the monitor's start."""

from __future__ import annotations

from detectors.records.features import LABELS
from detectors.records.verdict import Verdict
from sidecar.export.base import Seen


class Tally:
    """An exporter to memory: ``labels`` maps model to label to count."""

    def __init__(self) -> None:
        self.labels: dict[str, dict[str, int]] = {}
        self.read = 0
        self.lost_to_errors = 0
        self.unreadable = 0

    def exchange(self, seen: Seen) -> None:
        """Counts one exchange."""
        self.read += 1
        counts = self.labels.setdefault(seen.model, dict.fromkeys(LABELS, 0))
        for judgement in seen.features.judgements:
            counts[judgement.label] += 1

    def opaque(self) -> None:
        """An unreadable exchange."""
        self.unreadable += 1

    def failed(self, stage: str) -> None:  # noqa: ARG002  # the page shows the sum; metrics show the stage
        """An error of ours."""
        self.lost_to_errors += 1

    def verdict(self, verdict: Verdict) -> None:  # the page asks the analysis itself
        """A state that changed."""
