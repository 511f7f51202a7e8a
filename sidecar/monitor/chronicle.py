"""What the evidence log is told beside verdicts and commands: configuration, pauses, traffic, and how everything stands.

Rules of this file
* Nothing here raises into the monitor: a record that cannot be made is said in the process's log, and the rest goes on.
* ``traffic`` is a record an hour, of what came since the one before; ``standing`` one a day, with every stratum's numbers.
  Both also at a clean end. What a killed monitor had counted since the last is gone, and a ``gap`` says when that was.
* The configuration and the baseline in use are recorded when they change, and again where retention has let the last such
  record go: a reader of what is kept always finds them.
* Header values of the configuration can be secrets and are left out; words of people stand beside the chain.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from detectors.records.verdict import Verdict
from sidecar.admin.status import DataPlaneView
from sidecar.config import Config
from sidecar.export.base import Seen
from sidecar.export.evidence import EvidenceExporter
from sidecar.monitor.baseline_record import baseline_record
from sidecar.monitor.judging import Judging

log = logging.getLogger("kilter.monitor")

_HEADERS = ("otlp.headers", "canary.headers", "exclude.headers")
_WORDS = "report."


@dataclass(frozen=True, slots=True)
class CanaryCounts:
    """Since the monitor's start: canaries that were due and not asked, by reason, and tokens used."""

    skipped: Mapping[str, int]
    tokens: int


class Chronicle:
    """An exporter that counts traffic. ``copies()`` is (kept, lost) copies and ``canaries()`` their counts, since the start."""

    def __init__(
        self,
        evidence: EvidenceExporter,
        config: Config,
        judging: Judging,
        data_plane: DataPlaneView,
        copies: Callable[[], tuple[int, int]],
        canaries: Callable[[], CanaryCounts],
    ) -> None:
        self._evidence = evidence
        self._config = config
        self._judging = judging
        self._data_plane = data_plane
        self._copies = copies
        self._canaries = canaries
        self._languages: Counter[str] = Counter()
        self._labels: Counter[str] = Counter()
        self._since_s = 0.0
        self._before: dict[str, Any] = {}
        self._observing: bool | None = None
        self._ready = False
        self._stood = ""

    # -- an exporter ---------------------------------------------------------------------------

    def exchange(self, seen: Seen) -> None:
        """Counts one exchange."""
        if seen.exchange.error_type is None:
            self._languages[seen.language] += 1
        for judgement in seen.features.judgements:
            self._labels[judgement.label] += 1

    def opaque(self) -> None:
        """Counted elsewhere."""

    def failed(self, stage: str) -> None:
        """Counted elsewhere."""

    def verdict(self, verdict: Verdict) -> None:
        """The evidence exporter writes it."""

    # -- moments ---------------------------------------------------------------------------------

    def begin(self, now_s: float, *, observing: bool) -> None:
        """At the monitor's start."""
        self._since_s, self._observing = now_s, observing
        self._ready = self._judging.succession.learner.ready
        self._before = self._totals()
        self._kept("configuration", lambda: self._configuration(now_s))
        self._kept("baseline", lambda: self._baseline(now_s))
        if not observing:
            self._evidence.record("pause", {"at_start": True}, now_s)

    def moment(self, now_s: float, *, observing: bool) -> None:
        """Now and then: what has changed since the last."""
        self._evidence.catch_up(now_s)
        if self._observing is not None and observing != self._observing:
            self._evidence.record("resume" if observing else "pause", {}, now_s)
        self._observing = observing
        ready = self._judging.succession.learner.ready
        if ready and not self._ready:
            self._kept("baseline", lambda: self._evidence.record("baseline", self._learned(), now_s))
        self._ready = ready

    def hour(self, now_s: float) -> None:
        """Once an hour."""
        self._kept("traffic", lambda: self._traffic(now_s))
        day = f"{datetime.fromtimestamp(now_s, UTC):%Y-%m-%d}"
        if day != self._stood:
            self._stood = day
            self._kept("standing", lambda: self._standing(now_s))
            self._kept("configuration", lambda: self._configuration(now_s))
            self._kept("baseline", lambda: self._baseline(now_s))

    def end(self, now_s: float) -> None:
        """At a clean end."""
        self._kept("traffic", lambda: self._traffic(now_s))
        self._kept("standing", lambda: self._standing(now_s))

    # -- records -----------------------------------------------------------------------------------

    def _configuration(self, now_s: float) -> None:
        known = self._evidence.latest("config")
        values = plain(self._config)
        digest = config_digest(self._config)
        if known is not None and known.get("sha256") == digest:
            return
        before = known["values"] if known else {}
        changed = sorted(key for key in {*values, *before} if values.get(key) != before.get(key)) if known else []
        if known and (known.get("words_sha256") != words_digest(self._config)):
            changed.append("report")
        data = {"sha256": digest, "words_sha256": words_digest(self._config), "values": values, "changed": changed}
        self._evidence.record("config", data, now_s, _words(self._config))

    def _baseline(self, now_s: float) -> None:
        baseline = self._judging.analysis.baseline
        if baseline is not None and (self._evidence.latest("baseline") or {}).get("id") != baseline.id:
            self._evidence.record("baseline", baseline_record(baseline, "in_use"), now_s)

    def _learned(self) -> dict[str, Any]:
        learning = self._judging.succession.learner.learning
        counted = {"days": learning.days, "trials": learning.most_trials} if learning else {}
        return {"action": "learned", "id": self._judging.described()["in_use"] or "", **counted}

    def _totals(self) -> dict[str, Any]:
        kept, lost = self._copies()
        canaries = self._canaries()
        traffic = self._data_plane.traffic()
        return {
            "requests": traffic.requests,
            "upstream_errors": traffic.upstream_errors,
            "copies": kept,
            "lost_copies": lost,
            "canary_tokens": canaries.tokens,
            "canaries_skipped": dict(canaries.skipped),
        }

    def _traffic(self, now_s: float) -> None:
        now, before = self._totals(), self._before
        data: dict[str, Any] = {"since_s": self._since_s, "until_s": now_s}
        for name, value in now.items():
            if isinstance(value, dict):
                more = {key: count - before.get(name, {}).get(key, 0) for key, count in value.items()}
                data[name] = {key: count for key, count in sorted(more.items()) if count}
            else:
                # A worker that was replaced begins at 0 again.
                data[name] = max(0, value - before.get(name, 0))
        data["languages"] = dict(sorted(self._languages.items()))
        data["labels"] = dict(sorted(self._labels.items()))
        self._evidence.record("traffic", data, now_s)
        self._before, self._since_s = now, now_s
        self._languages.clear()
        self._labels.clear()

    def _standing(self, now_s: float) -> None:
        judging = self._judging
        verdicts = [
            {name: value for name, value in verdict.to_dict().items() if value is not None and name != "explanation"}
            for verdict in judging.verdicts()
        ]
        gaps = [
            {
                "behaviour": one.behaviour,
                "stratum": one.stratum,
                "model": one.model,
                "anchor": one.anchor,
                "trials": one.trials,
                "state": one.gap.state,
                "calibrated": one.gap.calibrated,
                **{
                    name: value
                    for name, value in (("estimate", one.gap.estimate), ("low", one.gap.low), ("high", one.gap.high))
                    if value == value  # noqa: PLR0124  # nan
                },
            }
            for one in judging.analysis.gaps()
        ]
        data = {
            "verdicts": verdicts,
            "gaps": gaps,
            "baseline": judging.analysis.baseline.id if judging.analysis.baseline else "",
            "baseline_state": judging.baseline_state,
            "classifier": judging.analysis.classifier,
            "config_sha256": config_digest(self._config),
        }
        self._evidence.record("standing", data, now_s)

    def _kept(self, what: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            log.exception("evidence could not be made", extra={"fields": {"what": what}})


def plain(config: Config) -> dict[str, Any]:
    """Every value by its dotted key, without people's words; of headers only their names, since a value can be a secret."""
    found: dict[str, Any] = {}

    def walk(section: BaseModel, prefix: str) -> None:
        for name in type(section).model_fields:
            value = getattr(section, name)
            if isinstance(value, BaseModel):
                walk(value, f"{prefix}{name}.")
            else:
                key = prefix + name
                shown = section.model_dump(mode="json", include={name})[name]
                found[key] = sorted(shown) if key in _HEADERS else shown

    walk(config, "")
    return {key: value for key, value in found.items() if not key.startswith(_WORDS)}


def config_digest(config: Config) -> str:
    """SHA-256 of ``plain`` and of the words, as 64 hexadecimal digits."""
    text = json.dumps({**plain(config), "report": words_digest(config)}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def words_digest(config: Config) -> str:
    """SHA-256 of the section ``report``."""
    return hashlib.sha256(json.dumps(_words(config), sort_keys=True).encode()).hexdigest()


def _words(config: Config) -> dict[str, Any]:
    return config.report.model_dump(mode="json")
