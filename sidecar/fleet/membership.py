"""A monitor's place in a fleet, where the configuration names one: who is given what it sees, and who judges.

Without ``store`` it changes nothing, and the client of the store is not imported.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from detectors.catalog import behaviours
from detectors.features.classifier import Classifier
from detectors.records.measurement import Measurement
from detectors.records.observation import Observation
from detectors.records.sighting import Sighting
from detectors.watch.parts import Parts
from detectors.watch.units import Units
from sidecar.config import Config
from sidecar.fleet.agreement import Agreement
from sidecar.fleet.status import FleetStatus
from sidecar.monitor.judging import Judging, rules

if TYPE_CHECKING:
    from sidecar.fleet.member import Member

ELSEWHERE = "the fleet's monitor makes the verdicts and takes commands: ask there (--admin names its address)"
PATIENCE_LEASES = 2


class Membership:
    """``key`` keys the hashes; ``changed()`` is called after the fleet's baseline has come; ``inflight()``: requests of users."""

    def __init__(
        self,
        config: Config,
        key: bytes,
        judging: Judging,
        changed: Callable[[], None] = lambda: None,
        inflight: Callable[[], int] = lambda: 0,
    ) -> None:
        self._judging = judging
        self._changed = changed
        self._member = self._made(config, key, inflight) if config.store else None

    def _made(self, config: Config, key: bytes, inflight: Callable[[], int]) -> Member:
        from sidecar.fleet.connection import Connection  # noqa: PLC0415  # of the extra `fleet`
        from sidecar.fleet.member import Member  # noqa: PLC0415  # the same

        fleet, wanted, watched = config.fleet, rules(config), behaviours()
        context = {behaviour.name for behaviour in watched if behaviour.context}
        member = Member(
            Connection(config.store, fleet),
            fleet.name,
            Agreement.of(key, fleet.name, wanted),
            fleet.replica or f"{socket.gethostname()}/{config.listen}",
            lambda: Parts(Units(watched), wanted, context, fleet.most_a_stratum),
            time.time,
            time.monotonic,
            baseline_id=self._baseline_id,
            take_baseline=self._follow,
            inflight=inflight,
            patience_s=PATIENCE_LEASES * fleet.lease_s,
            directory=config.state_dir,
        )
        if self._judging.lost_until_s is not None:
            member.forgot(self._judging.lost_until_s)
        return member

    def observe(
        self, sighting: Sighting, observations: Sequence[Observation], measurements: Sequence[Measurement]
    ) -> None:
        """What one exchange showed, by this version's classifier."""
        succession = self._judging.succession
        succession.observe(sighting, observations, measurements)
        if self._member is not None:
            self._member.observe(succession.learner.classifier, sighting, observations, measurements)

    def earlier(self) -> tuple[Classifier, Callable[..., None]] | None:
        """As ``Succession.earlier``."""
        found, member = self._judging.succession.earlier(), self._member
        if found is None or member is None:
            return found
        classifier, judge = found
        digest = self._judging.succession.judging.classifier

        def both(sighting: Sighting, observations: Sequence[Observation], measurements: Sequence[Measurement]) -> None:
            judge(sighting, observations, measurements)
            member.observe(digest, sighting, observations, measurements)

        return classifier, both

    def close(self, now_s: float, in_flight_since_s: float | None, kept: int, lost: int) -> None:
        """Before the ticks are closed here: who judges now, and what the fleet is to be told. ``kept`` and ``lost`` copies since the last call."""
        member = self._member
        if member is None:
            return
        member.copied(now_s, kept, lost)
        succession = self._judging.succession
        classifiers = {succession.learner.classifier, succession.judging.classifier}
        member.close(now_s, in_flight_since_s, sorted(classifiers))
        self._judging.elsewhere, self._judging.quiet = ELSEWHERE, not member.alone

    def status(self) -> FleetStatus:
        """What is exported."""
        return FleetStatus() if self._member is None else self._member.status()

    def start(self) -> None:
        """Begins to tell."""
        if self._member is not None:
            self._member.start()

    async def end(self) -> None:
        """Tells what is left and leaves."""
        if self._member is not None:
            await self._member.end()

    def _baseline_id(self) -> str:
        baseline = self._judging.analysis.baseline
        return baseline.id if baseline else ""

    def _follow(self, text: str) -> None:
        self._judging.follow(text)
        self._changed()


def without_canaries(config: Config) -> Config:
    """In a fleet its monitor asks the canaries, not every replica."""
    canary = config.canary.model_copy(update={"enabled": False})
    return config.model_copy(update={"canary": canary}) if config.store else config
