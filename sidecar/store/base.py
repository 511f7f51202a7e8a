"""What the monitor asks of a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from detectors.records.baseline import Baseline
from detectors.records.verdict import Alarm


class StoreError(Exception):
    """A store that cannot be used. ``str()`` says why and quotes nothing that is kept in it."""


@dataclass(frozen=True, slots=True)
class Saved:
    """``text`` is the state as it was saved. ``clean``: the monitor has ended since then and lost nothing."""

    text: str
    clean: bool


@dataclass(frozen=True, slots=True)
class Annotation:
    """What an operator wrote down: ``text``, at Unix time ``at_s``."""

    at_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """That somebody has seen an alarm: at Unix time ``at_s``, who (``by``), and what is done about it meanwhile, the
    compensating ``control``.
    """

    alarm_id: str
    at_s: float
    by: str
    control: str


class Store(Protocol):
    """Every method raises StoreError and leaves what is kept as it was, or does the whole."""

    def saved(self) -> Saved | None:
        """The state that was saved last."""

    def save(self, text: str, at_s: float, *, clean: bool) -> None:
        """Keeps the state in the place of the last."""

    def keep_baseline(self, baseline: Baseline) -> None:
        """Keeps a baseline for ever, beside those before it."""

    def baselines(self) -> list[Baseline]:
        """Every baseline, oldest promotion first."""

    def keep_alarm(self, alarm: Alarm) -> None:
        """Keeps an alarm; one of the same id is replaced."""

    def alarms(self, most: int) -> list[Alarm]:
        """The last ``most``, newest first."""

    def acknowledge(self, acknowledgement: Acknowledgement) -> None:
        """Keeps an acknowledgement; one of the same alarm is replaced."""

    def acknowledgements(self, most: int) -> list[Acknowledgement]:
        """The last ``most``, newest first."""

    def annotate(self, annotation: Annotation) -> None:
        """Keeps an annotation."""

    def annotations(self, most: int) -> list[Annotation]:
        """The last ``most``, newest first."""

    def close(self) -> None:
        """No call follows."""
