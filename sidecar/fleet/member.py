"""A replica of a fleet: tells the shared store what it saw, tick by tick, and goes on alone while it cannot.

Rules of this file
* Nothing here raises into the monitor or waits for the store where an exchange is looked at.
* A part is told until the store has it, under a name of its own (incarnation, classifier, tick): told twice it is one.
* With the parts goes how far they go, in one script: whoever reads the second has the first.
* A store that has lost something is told everything that is still held, before it is told anything new.
* While the store or the fleet's monitor is away, this sidecar judges its own traffic, and says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from detectors.records.measurement import Measurement
from detectors.records.observation import Observation
from detectors.records.sighting import Sighting
from detectors.watch.parts import Part, Parts
from sidecar import __version__
from sidecar.fleet.agreement import Agreement
from sidecar.fleet.connection import Connection
from sidecar.fleet.held import Held, HeldPart
from sidecar.fleet.layout import BASELINE, LEAVE, TELL, Keys
from sidecar.fleet.part_codec import PartError, packed
from sidecar.fleet.status import PARTS, FleetStatus
from sidecar.store.base import StoreError

log = logging.getLogger("kilter.monitor")

MOST_BEAT_S = 5.0
MOST_AT_ONCE = 32
END_S = 3.0
FILE = "fleet-parts"
"""In the state directory: what could not be told before the end."""
INCARNATION = "fleet-incarnation"
"""In the state directory: who told last from there, so that nobody waits for a process that is no more."""


class Member:
    """``parts(classifier)`` collects what one classifier labels. ``wall()`` is Unix time and ``steady()`` never jumps, seconds.
    ``take_baseline(text)`` is given the fleet's baseline when it is another than ``baseline_id()``. ``patience_s``: silent
    for so long, the store or the monitor is away. ``inflight()``: requests of users.
    """

    def __init__(
        self,
        connection: Connection,
        fleet: str,
        agreement: Agreement,
        replica: str,
        parts: Callable[[], Parts],
        wall: Callable[[], float],
        steady: Callable[[], float],
        *,
        baseline_id: Callable[[], str],
        take_baseline: Callable[[str], None],
        inflight: Callable[[], int] = lambda: 0,
        patience_s: float = 30.0,
        directory: Path | None = None,
    ) -> None:
        self.incarnation = secrets.token_hex(8)
        self._connection, self._keys, self._agreement, self._replica = connection, Keys(fleet), agreement, replica
        self._make, self._wall, self._steady = parts, wall, steady
        self._baseline_id, self._take_baseline, self._inflight = baseline_id, take_baseline, inflight
        self._patience_s = patience_s
        self._file = directory / FILE if directory else None
        self._parts: dict[str, Parts] = {}
        self._held = self._kept()
        self._until: int | None = None
        self._lost_until_s: float | None = None
        self._after = self._succeed(directory / INCARNATION) if directory else ""
        self._counts = dict.fromkeys(PARTS, 0)
        self._thinned = 0
        self._upcoming = -1
        self._joined = False
        self._heard_s: float | None = None
        self._up, self._leader, self._why = False, False, "has not reached the store yet"
        self._alone: bool | None = None
        self._offset_s = 0.0
        self._task: asyncio.Task[None] | None = None

    # -- what the monitor tells it -----------------------------------------------------------

    def observe(
        self,
        classifier: str,
        sighting: Sighting,
        observations: Sequence[Observation],
        measurements: Sequence[Measurement],
    ) -> None:
        """What one exchange showed, as labelled by ``classifier``."""
        self._of(classifier).observe(sighting, observations, measurements)

    def copied(self, at_s: float, kept: int, lost: int) -> None:
        """As ``Ticks.copied``."""
        for parts in self._parts.values():
            parts.copied(at_s, kept, lost)

    def forgot(self, until_s: float) -> None:
        """As ``Ticks.forgot``."""
        self._lost_until_s = until_s
        for parts in self._parts.values():
            parts.forgot(until_s)

    def close(self, now_s: float, in_flight_since_s: float | None, classifiers: Sequence[str]) -> None:
        """Now and then: what is complete is held, to be told. ``classifiers`` label what comes."""
        for classifier in classifiers:
            self._of(classifier)
        untils = []
        for classifier, parts in self._parts.items():
            sealed, until = parts.close(now_s, in_flight_since_s)
            untils.append(until)
            self._hold(classifier, sealed)
        self._parts = {name: parts for name, parts in self._parts.items() if name in classifiers}
        if untils:
            self._until = max(self._until or 0, min(untils))

    # -- what it says ---------------------------------------------------------------------------

    @property
    def alone(self) -> bool:
        """Whether it has to judge by itself."""
        heard = self._heard_s is not None and self._steady() - self._heard_s < self._patience_s
        return not heard

    def status(self) -> FleetStatus:
        """What is exported."""
        return FleetStatus(
            role="replica",
            scope="local" if self.alone else "fleet",
            why=self._why,
            store_up=self._up,
            parts={**self._counts, "dropped": self._held.dropped},
            thinned=self._thinned,
            held=len(self._held),
            offset_s=self._offset_s,
        )

    # -- its task -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Begins to tell."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def end(self) -> None:
        """Tells what is left and leaves; what cannot be told is kept for the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for classifier, parts in self._parts.items():
            self._hold(classifier, parts.end())
        with contextlib.suppress(StoreError, TimeoutError):
            async with asyncio.timeout(END_S):
                while self._held.first_untold is not None:
                    await self._tell()
                await self._connection.run(LEAVE, [self._keys.members], self.incarnation)
        await self._connection.close()
        self._keep()

    async def _run(self) -> None:
        beat_s = min(MOST_BEAT_S, self._agreement.tick_s / 4)
        while True:
            await self.beat()
            await asyncio.sleep(beat_s)

    async def beat(self) -> None:
        """Tells what there is, and hears how the fleet stands. Never raises."""
        try:
            await self._tell()
            while self._held.first_untold is not None:
                await self._tell()
        except StoreError as error:
            self._up, self._leader, self._why = False, False, str(error)
        except Exception:  # whatever a store answers must not stop the monitor
            log.exception("the fleet's store could not be told")
            self._up, self._leader, self._why = False, False, "what the store answered was not understood"
        self._say()

    async def _tell(self) -> None:
        chosen = self._held.untold(MOST_AT_ONCE)
        at_s, known, upcoming, baseline, led, results = await self._connection.run(
            TELL, self._tell_keys(chosen), *self._tell_arguments(chosen)
        )
        if not known:
            self._held.tell_again()
            self._joined = False
            return
        self._joined = True
        for part, outcome in zip(chosen, results, strict=True):
            part.told = True
            self._counts["late" if outcome == b"late" else "told"] += 1
        self._upcoming = int(upcoming)
        self._held.counted(self._upcoming)
        self._up, self._leader = True, bool(led)
        self._offset_s = self._wall() - float(at_s)
        self._why = "" if self._leader else "no monitor of the fleet judges (kilter monitor)"
        if self._leader:
            self._heard_s = self._steady()
        if baseline and baseline.decode() != self._baseline_id():
            await self._follow(baseline.decode())

    def _tell_keys(self, chosen: Sequence[HeldPart]) -> list[str]:
        keys = self._keys
        names = [keys.about, keys.members, keys.ticks, keys.state, keys.lease, keys.lost]
        return names + [name for part in chosen for name in (keys.parts(part.tick), keys.counted(part.tick))]

    def _tell_arguments(self, chosen: Sequence[HeldPart]) -> list[str | bytes | float]:
        left = [part.tick for part in self._held.untold(MOST_AT_ONCE + 1, 1 << 62)[len(chosen) :]]
        until = -1 if self._until is None else min([self._until, *left])
        about = {
            "replica": self._replica,
            "version": __version__,
            "until": until,
            "after": self._after,
            "now_s": self._wall(),
            "inflight": self._inflight(),
        }
        return [
            *self._agreement.arguments(),
            self.incarnation,
            json.dumps(about),
            self._agreement.keep_s,
            str(self._upcoming) if self._joined else "",
            *(item for part in chosen for item in (part.tick, part.field, part.data)),
        ]

    async def _follow(self, baseline: str) -> None:
        text = await self._connection.run(BASELINE, [self._keys.baselines], baseline)
        if text:
            self._take_baseline(text.decode())

    def _say(self) -> None:
        alone = self.alone
        if alone != self._alone:
            if alone:
                log.warning("judging this sidecar's traffic alone", extra={"fields": {"why": self._why}})
            else:
                log.info("the fleet's monitor judges", extra={"fields": {"fleet": self._keys.about}})
        self._alone = alone

    # -- parts --------------------------------------------------------------------------------------

    def _of(self, classifier: str) -> Parts:
        parts = self._parts.get(classifier)
        if parts is None:
            parts = self._parts[classifier] = self._make()
            if self._lost_until_s is not None:
                parts.forgot(self._lost_until_s)
        return parts

    def _hold(self, classifier: str, sealed: Sequence[Part]) -> None:
        for part in sealed:
            self._thinned += part.thinned
            try:
                self._held.add(part.index, f"{self.incarnation} {classifier}", packed(part))
            except PartError as error:
                log.error("a tick cannot be told to the fleet", extra={"fields": {"why": str(error)}})  # noqa: TRY400  # its text says all
                self._counts["unreadable"] += 1

    def _succeed(self, file: Path) -> str:
        """Whose place it takes, empty where nobody's is known."""
        try:
            before = file.read_text(encoding="ascii").strip()[:100] if file.exists() else ""
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file.touch(mode=0o600)
            file.write_text(self.incarnation, encoding="ascii")
        except (OSError, ValueError):
            return ""  # then it is waited for
        return before

    def _kept(self) -> Held:
        """What the process before could not tell."""
        if self._file is None or not self._file.exists():
            return Held()
        try:
            held = Held.from_bytes(self._file.read_bytes())
            self._file.unlink()
        except (OSError, ValueError):
            log.error("what had not been told to the fleet cannot be read", extra={"fields": {"file": str(self._file)}})  # noqa: TRY400  # its text says all
            return Held()
        return held

    def _keep(self) -> None:
        if self._file is not None and self._held.first_untold is not None:
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._file.touch(mode=0o600)
                self._file.write_bytes(self._held.to_bytes())
            except OSError as error:
                log.error("what was not told to the fleet is lost", extra={"fields": {"why": error.strerror}})  # noqa: TRY400  # its text says all
