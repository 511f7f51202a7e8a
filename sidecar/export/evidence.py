"""The evidence log as a destination: what was found, and what people did about it.

A log that cannot be written, or not even opened, stops nothing: the loss is counted, the log says so itself once it
can, and whether it can is tried again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Gauge

from detectors.records.verdict import Verdict
from sidecar import __version__
from sidecar.evidence import retention
from sidecar.evidence.log import EvidenceLog, LogInUseError
from sidecar.evidence.segments import latest
from sidecar.export.base import Seen

log = logging.getLogger("kilter.monitor")

FOLDER = "evidence"
KEY_FILE = "evidence_key"  # made by the supervisor at the first start
RETRY_S = 5.0


class EvidenceExporter:
    """Writes to ``evidence`` in the state directory, sealed with the key that lies beside it. ``facts``: what the record of
    the start says beside the version, names and numbers only. ``clock``: Unix seconds at which a verdict is told; a record
    carries that time, and the verdict inside the end of the tick it is of.
    """

    def __init__(
        self,
        state: Path,
        registry: CollectorRegistry,
        now_s: float,
        facts: Mapping[str, Any] | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._state = state
        self._log: EvidenceLog | None = None
        self._frozen_why: str | None = None
        self._clock = clock
        self._started = {"version": __version__, **(facts or {})}
        self._started_s = now_s
        self._tried_s = now_s
        self._unopened = 0
        self._records = Gauge("kilter_evidence_records", "Records in the evidence log so far.", registry=registry)
        self._lost = Gauge(
            "kilter_evidence_lost_records",
            "Records that could not be written since the monitor's start.",
            registry=registry,
        )
        self._consistent = Gauge(
            "kilter_evidence_consistent",
            "1 while the evidence log can be written and its end was as it had been left at the monitor's start.",
            registry=registry,
        )
        self._open(now_s)

    def exchange(self, seen: Seen) -> None:
        """Single exchanges are no evidence."""

    def opaque(self) -> None:
        """The same."""

    def failed(self, stage: str) -> None:
        """Counted elsewhere."""

    def verdict(self, verdict: Verdict) -> None:
        """A state that changed; to the disk at once."""
        content = {name: value for name, value in verdict.to_dict().items() if value is not None}
        at_s = self._clock() if self._clock else verdict.at_s
        self.record("alarm" if verdict.state == "out_of_control" else "verdict", content, at_s)
        if self._log is not None:
            self._log.sync()

    def record(self, kind: str, data: Mapping[str, Any], at_s: float, payload: Mapping[str, Any] | None = None) -> None:
        """One record. ``payload``: what can hold words of people, kept beside the chain."""
        if self._log is None:
            self._unopened += 1
        else:
            try:
                self._log.append(kind, data, at_s, payload)
            except ValueError:  # a mistake of ours must not stop who found something
                self._log.missed(1, at_s)
                log.exception("what was found is no record", extra={"fields": {"kind": kind}})
        self._show()

    def catch_up(self, now_s: float) -> None:
        """Now and then: tries again where the log could not be opened or written, so that the gap is said as soon as it can be."""
        behind = self._log is None or self._log.behind
        if behind and abs(now_s - self._tried_s) >= RETRY_S:
            self._tried_s = now_s
            if self._log is None:
                self._open(now_s)
            else:
                self._log.catch_up(now_s)
            self._show()

    def latest(self, kind: str) -> dict[str, Any] | None:
        """What the last record of a kind says; None where there is none, or it cannot be read."""
        try:
            return latest(self._state / FOLDER, kind)
        except OSError:
            return None

    def keep(self, now_s: float) -> None:
        """Once an hour: the head, here and in the process's log for whoever keeps that elsewhere; what is past its time goes."""
        if self._log is None:
            return
        self.record("head", {"head": str(self._log.head)}, now_s)
        try:
            self._tell_of_a_freeze(self._log.directory, now_s)
            retention.retain(self._log, now_s)
        except OSError as error:
            log.error("old evidence could not be removed", extra={"fields": {"why": error.strerror}})  # noqa: TRY400  # its text says all
        self._log.sync()
        log.info("head of the evidence log", extra={"fields": {"head": str(self._log.head)}})

    def close(self, now_s: float) -> None:
        """Records the stop."""
        if self._log is not None:
            self._log.close(now_s)

    def _open(self, now_s: float) -> None:
        try:
            key = bytes.fromhex((self._state / KEY_FILE).read_text(encoding="ascii").strip())
            self._log = EvidenceLog(self._state / FOLDER, key, now_s)
        except (OSError, ValueError, LogInUseError) as error:
            if not self._unopened:
                log.error("there is no evidence log; trying again", extra={"fields": {"why": type(error).__name__}})  # noqa: TRY400  # its text could name anything
            self._unopened += not self._unopened  # the record of the start
            self._show()
            return
        if self._unopened:
            self._log.missed(self._unopened, self._started_s)
            self._unopened = 0
        self._change_of_version(now_s)
        self.record("start", {**self._started, "started_s": self._started_s}, now_s)

    def _change_of_version(self, now_s: float) -> None:
        before = (self.latest("start") or {}).get("version")
        if before not in (None, __version__):
            self.record("version", {"from": before, "to": __version__}, now_s)

    def _show(self) -> None:
        if self._log is None:
            self._lost.set(self._unopened)
            return
        self._records.set(self._log.head.seq)
        self._lost.set(self._log.lost)
        self._consistent.set(self._log.consistent and not self._log.behind)

    def _tell_of_a_freeze(self, directory: Path, now_s: float) -> None:
        """Of one that ``kilter evidence freeze`` could not record, since this process holds the log; once a run, so that
        none is missed by a restart.
        """
        why = retention.frozen_why(directory)
        if why is not None and why != self._frozen_why:
            self.record("freeze", {"reason": why}, now_s)
        self._frozen_why = why
