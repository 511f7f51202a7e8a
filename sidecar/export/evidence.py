"""The evidence log as a destination: what was found, and what people did about it.

A log that cannot be written stops nothing: the loss is counted, and the log says so itself once it can.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Gauge

from detectors.records.verdict import Verdict
from sidecar import __version__
from sidecar.evidence import retention
from sidecar.evidence.log import EvidenceLog, LogInUseError
from sidecar.export.base import Seen

log = logging.getLogger("kilter.monitor")

FOLDER = "evidence"
KEY_FILE = "evidence_key"  # made by the supervisor at the first start


class EvidenceExporter:
    """Writes to ``evidence`` in the state directory, sealed with the key that lies beside it."""

    def __init__(self, state: Path, registry: CollectorRegistry, now_s: float) -> None:
        self._log: EvidenceLog | None = None
        self._frozen_why: str | None = None
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
        try:
            key = bytes.fromhex((state / KEY_FILE).read_text(encoding="ascii").strip())
            self._log = EvidenceLog(state / FOLDER, key, now_s)
        except (OSError, ValueError, LogInUseError) as error:
            log.error("there will be no evidence log", extra={"fields": {"why": type(error).__name__}})  # noqa: TRY400  # its text could name anything
        self.record("start", {"version": __version__}, now_s)

    def exchange(self, seen: Seen) -> None:
        """Single exchanges are no evidence."""

    def opaque(self) -> None:
        """The same."""

    def failed(self, stage: str) -> None:
        """Counted elsewhere."""

    def verdict(self, verdict: Verdict) -> None:
        """A state that changed; to the disk at once."""
        content = {name: value for name, value in verdict.to_dict().items() if value is not None}
        self.record("alarm" if verdict.state == "out_of_control" else "verdict", content, verdict.at_s)
        if self._log is not None:
            self._log.sync()

    def record(self, kind: str, data: Mapping[str, Any], at_s: float, payload: Mapping[str, Any] | None = None) -> None:
        """One record. ``payload``: what can hold words of people, kept beside the chain."""
        if self._log is not None:
            self._log.append(kind, data, at_s, payload)
            self._records.set(self._log.head.seq)
            self._lost.set(self._log.lost)
            self._consistent.set(self._log.consistent and not self._log.behind)

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

    def _tell_of_a_freeze(self, directory: Path, now_s: float) -> None:
        """Of one that ``kilter evidence freeze`` could not record, since this process holds the log; once a run, so that
        none is missed by a restart.
        """
        why = retention.frozen_why(directory)
        if why is not None and why != self._frozen_why:
            self.record("freeze", {"reason": why}, now_s)
        self._frozen_why = why

    def close(self, now_s: float) -> None:
        """Records the stop."""
        if self._log is not None:
            self._log.close(now_s)
