"""The monitor of a fleet: holds the lease, adds up what the replicas told, judges it, and keeps that for the next one.

Rules of this file
* What is judged follows from the parts alone, one complete tick after the other, so two monitors agree.
* State is saved together with the word that its ticks were counted, by whoever holds the lease. What nobody could save
  has not been judged: it is thrown away, and the next monitor judges it anew.
* A store that lost its state is given it back by whoever has it in memory. A monitor that finds none waits one lease for
  that before it begins from nothing.
* After it has taken the lease, and where the store has lost something, a monitor counts nothing for one lease: by then
  every replica has told again what it holds, and how far. Those that it knew before it waits for in any case.
* A standby makes no verdicts and tells nobody any; a person's commands are for the one that leads.
* A tick of a large fleet takes seconds: its sum lets others have the loop every few hundred exchanges, and renews the lease.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from detectors.records.verdict import Verdict
from detectors.watch.parts import MOST, Part, Together, Told
from detectors.watch.rules import Rules
from sidecar.fleet import members
from sidecar.fleet.agreement import Agreement
from sidecar.fleet.connection import Connection
from sidecar.fleet.held import KEPT_TICKS
from sidecar.fleet.layout import LEASE, LOAD, PARTS, RELEASE, SAVE, Keys
from sidecar.fleet.members import Member
from sidecar.fleet.part_codec import PartError, unpacked
from sidecar.fleet.status import PARTS as OUTCOMES
from sidecar.fleet.status import FleetStatus
from sidecar.monitor.judging import Judging
from sidecar.store.base import StoreError
from sidecar.store.redis import RedisStore

log = logging.getLogger("kilter.monitor")

REMEMBERED_TICKS = 2 * KEPT_TICKS  # a replica may have heard of the last ones later


class _LeaseLostError(Exception):
    """While a tick was summed another monitor has taken over."""


@dataclass(slots=True)
class _Cycle:
    """What the store says at its beginning. ``now_s`` is the store's time, ``at_s`` the time of ticks then."""

    now_s: float
    at_s: float
    holder: str
    version: tuple[int, int]
    members: list[Member]
    ticks: list[int]
    late: int


@dataclass(slots=True)
class _Counted:
    """What has been counted and not saved, by one cycle or by several of which the store failed."""

    fields: dict[int, list[str]] = field(default_factory=dict)
    changed: list[Verdict] = field(default_factory=list)
    outcomes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    thinned: int = 0


class Coordinator:
    """``name`` is shown to people. ``make(store, leads)`` is the judging of a fleet, as kept in ``store``,
    or of a standby. ``tell(verdict)`` is
    given each verdict whose state changed, ``count(told)`` each exchange. ``tick_time`` makes ticks' time of the store's.
    ``most`` trials of a stratum count in a tick.
    """

    def __init__(
        self,
        connection: Connection,
        fleet: str,
        agreement: Agreement,
        name: str,
        make: Callable[[RedisStore, bool], Judging],
        rules: Rules,
        lease_s: float,
        *,
        most: int = MOST,
        tell: Callable[[Verdict], None] = lambda _: None,
        count: Callable[[Told], None] = lambda _: None,
        tick_time: Callable[[float], float] = lambda at_s: at_s,
    ) -> None:
        self._connection, self._keys, self._agreement = connection, Keys(fleet), agreement
        self._token = f"{name} {secrets.token_hex(8)}"
        self._make, self._rules, self._lease_s, self._most = make, rules, lease_s, most
        self._tell, self._count, self._tick_time = tell, count, tick_time
        self._store = RedisStore()
        self.judging = make(self._store, False)
        self._leading = False
        self._saved: tuple[int, int] | None = None
        self._empty_since_s: float | None = None
        self._settled_s = 0.0
        self._renewed_s = 0.0
        self._pending = _Counted()
        self._remembered: dict[int, list[str]] = {}
        self._absent: dict[str, Member] = {}
        self._waited: list[Member] = []
        self._outcomes = dict.fromkeys(OUTCOMES, 0)
        self._thinned = 0
        self._now_s = 0.0
        self._close_s = 0.0
        self._up, self._why, self._holder = False, "has not reached the store yet", ""
        self._stand_by()

    @property
    def leading(self) -> bool:
        """Whether this monitor makes the verdicts."""
        return self._leading

    @property
    def inflight(self) -> int:
        """Requests of users at all replicas that are heard."""
        return sum(one.inflight for one in self._waited)

    def status(self) -> FleetStatus:
        """What is exported."""
        offsets = [one.offset_s for one in self._waited]
        return FleetStatus(
            role="leading" if self._leading else "standby",
            scope="fleet",
            why=self._why,
            store_up=self._up,
            leader=self._holder.rpartition(" ")[0],
            parts=dict(self._outcomes),
            thinned=self._thinned,
            offset_s=max(offsets, key=abs, default=0.0),
            close_s=self._close_s,
            replicas=members.shown(self._waited, self._now_s, self._rules),
        )

    def commanded(self) -> None:
        """A person's command has changed the state: it is saved in the next cycle, and wins over the state without it."""
        self._store.generation += 1

    async def cycle(self) -> bool:
        """Once around: lease, ticks, verdicts, state; whether there is more to do at once. Never raises."""
        try:
            return await self._cycle()
        except _LeaseLostError:
            self._forget()
        except StoreError as error:
            if self._up or not self._why:
                log.error("the fleet's store cannot be used", extra={"fields": {"why": str(error)}})  # noqa: TRY400  # its text says all
            self._up, self._why = False, str(error)
        except Exception:  # whatever the store holds must not end the monitor
            log.exception("the fleet could not be judged")
            self._forget()
            self._why = "an error of this monitor; see its log"
        return False

    async def end(self) -> None:
        """Gives the lease back."""
        try:
            await self._connection.run(RELEASE, [self._keys.lease], self._token)
        except StoreError:
            pass
        finally:
            await self._connection.close()

    # -- a cycle ---------------------------------------------------------------------------------

    async def _cycle(self) -> bool:
        cycle = await self._begin()
        self._up, self._why, self._now_s = True, "", cycle.now_s
        self._holder = cycle.holder
        if self._saved is not None and cycle.version < self._saved:  # the store has lost something
            self._settled_s = cycle.now_s + self._lease_s
            self._absent = {one.incarnation: one for one in self._waited}
        for one in cycle.members:
            self._absent.pop(one.incarnation, None)
        known = [*cycle.members, *self._absent.values()]
        self._waited = members.waited_for(known, cycle.now_s, self._rules)
        self._outcomes["late"] = cycle.late
        if cycle.holder != self._token:
            await self._offer(cycle)
            return False
        if not await self._ready(cycle):
            return False
        more = cycle.now_s >= self._settled_s and await self._add_up(cycle)
        changed = self._pending.fields or self._version() != self._saved or cycle.version != self._saved
        if changed and not await self._save(cycle):
            return True
        self._say()
        return more

    async def _begin(self) -> _Cycle:
        self._renewed_s = asyncio.get_running_loop().time()
        keys = self._keys
        names = [keys.about, keys.lease, keys.state, keys.members, keys.ticks, keys.lost]
        arguments = (*self._agreement.arguments(), self._token, str(round(1000 * self._lease_s)))
        now, holder, generation, upcoming, told, ticks, late = await self._connection.run(LEASE, names, *arguments)
        fields = dict(zip(told[::2], told[1::2], strict=True))
        now_s = float(now)
        return _Cycle(
            now_s,
            self._tick_time(now_s),
            holder.decode(),
            (int(generation), int(upcoming)),
            members.read(fields),
            [int(tick) for tick in ticks],
            int(late),
        )

    async def _offer(self, cycle: _Cycle) -> None:
        """Stands by; a state in memory that the store has lost goes to whoever leads now."""
        if self._saved is not None and self._saved > cycle.version:
            await self._write("", self._remembered, (), lost=True)
        self._forget()

    async def _ready(self, cycle: _Cycle) -> bool:
        """Leads, with the newest state there is. False while somebody else may still have one."""
        if self._leading and self._version() == cycle.version:
            self._saved = cycle.version  # it was saved, though the answer was lost
        if self._leading and self._saved is not None and self._saved >= cycle.version:
            return True
        if cycle.version == (-1, -1):
            self._empty_since_s = self._empty_since_s or cycle.now_s
            if cycle.now_s - self._empty_since_s < self._lease_s:
                self._why = "waits for a monitor that may have the fleet's state"
                return False
            self._lead(RedisStore(), (-1, -1))
        else:
            await self._load()
        return True

    async def _load(self) -> None:
        state, baselines = await self._connection.run(LOAD, [self._keys.state, self._keys.baselines])
        fields = dict(zip(state[::2], state[1::2], strict=True))
        store = RedisStore()
        store.load(fields, dict(zip(baselines[::2], baselines[1::2], strict=True)))
        self._lead(store, (int(fields[b"generation"]), int(fields[b"next"])))

    def _lead(self, store: RedisStore, version: tuple[int, int]) -> None:
        self._store, self.judging = store, self._make(store, True)
        self._saved, self._leading, self._empty_since_s = version, True, None
        self._remembered = dict(store.counted)
        self._pending, self._settled_s = _Counted(), self._now_s + self._lease_s
        log.info("this monitor judges the fleet", extra={"fields": {"generation": version[0], "next": version[1]}})

    def _forget(self) -> None:
        if self._leading:
            log.warning("another monitor judges the fleet now", extra={"fields": {"leader": self._holder}})
            self._store = RedisStore()
            self.judging = self._make(self._store, False)
        self._leading, self._saved, self._empty_since_s, self._pending = False, None, None, _Counted()
        self._stand_by()

    def _stand_by(self) -> None:
        leader = self._holder.rpartition(" ")[0] or "another monitor"
        self.judging.quiet = True
        self.judging.elsewhere = f"this monitor stands by, and {leader} judges the fleet: ask there"

    # -- ticks -------------------------------------------------------------------------------------

    async def _add_up(self, cycle: _Cycle) -> bool:
        """Counts what is complete; whether there is more."""
        until = members.complete_until(self._waited, cycle.at_s, self._rules)
        upcoming = self.judging.analysis.ticks.next
        due = sorted(tick for tick in cycle.ticks if tick < until)
        # What a store brought back of ticks that had been counted goes again, and is not said to have come late.
        for tick in [tick for tick in due if upcoming is not None and tick < upcoming]:
            self._pending.fields.setdefault(tick, self._remembered.get(tick, []))
            due.remove(tick)
        loop = asyncio.get_running_loop()
        begun_s, left = loop.time(), deque(due)
        while (
            left and loop.time() - begun_s < self._lease_s / 3
        ):  # what has been counted is saved before the lease runs out
            tick = left.popleft()
            raw = await self._connection.run(PARTS, [self._keys.parts(tick)])
            await self._take(tick, dict(zip(raw[::2], raw[1::2], strict=True)))
            self._close(tick + 1)
        if left:
            return True
        self._close(until)
        if due:
            self._close_s = cycle.at_s - (due[-1] + 1) * self._rules.tick_s
        return False

    async def _take(self, tick: int, raw: dict[bytes, bytes]) -> None:
        by_classifier: dict[str, list[Part]] = {}
        fields = sorted(name.decode("utf-8", "replace") for name in raw)
        for name in fields:
            part = self._read(tick, raw[name.encode()])
            if part is not None:
                by_classifier.setdefault(name.partition(" ")[2], []).append(part)
                for told in part.told:
                    self._count(told)
            await self._breathe()
        succession = self.judging.succession
        for analysis in [succession.judging, *([succession.collecting] if succession.collecting else [])]:
            together = Together(by_classifier.pop(analysis.classifier, []), analysis.units, self._most)
            for _ in analysis.taking(together):
                await self._breathe()
            self._pending.thinned += together.thinned
        self._pending.outcomes["foreign"] += sum(len(parts) for parts in by_classifier.values())
        self._pending.fields[tick] = fields

    async def _breathe(self) -> None:
        """Lets whoever waits for the loop have it, and keeps the lease. _LeaseLostError: another monitor judges."""
        await asyncio.sleep(0)
        if asyncio.get_running_loop().time() - self._renewed_s > self._lease_s / 3:
            try:
                cycle = await self._begin()
            except StoreError:
                return  # a tick is summed whole or not at all; saving it will say what is amiss
            if cycle.holder != self._token:
                self._holder = cycle.holder
                raise _LeaseLostError

    def _read(self, tick: int, data: bytes) -> Part | None:
        pending = self._pending
        try:
            part = self._checked(tick, unpacked(data))
        except PartError as error:
            log.error("a part cannot be counted", extra={"fields": {"why": str(error)}})  # noqa: TRY400  # its text says all
            pending.outcomes["unreadable"] += 1
            return None
        pending.outcomes["invalid" if part.invalid else "counted"] += 1
        pending.thinned += part.thinned
        return part

    def _checked(self, tick: int, part: Part) -> Part:
        """A part tells of its own tick only, whoever wrote it."""
        if part.index != tick or any(told.sighting.at_s // self._rules.tick_s != tick for told in part.told):
            raise PartError("a part of another tick")
        return part

    def _close(self, until: int) -> None:
        ends_s = until * self._rules.tick_s
        self._pending.changed += self.judging.close(ends_s, ends_s, save=False)

    # -- state -------------------------------------------------------------------------------------

    def _version(self) -> tuple[int, int]:
        upcoming = self.judging.analysis.ticks.next
        return self._store.generation, -1 if upcoming is None else upcoming

    async def _save(self, cycle: _Cycle) -> bool:
        """Whether it was saved; where not, what was counted is thrown away."""
        self.judging.save(cycle.at_s)
        keep_s = self._agreement.keep_s
        gone = [one.incarnation for one in cycle.members if cycle.now_s - one.heard_s > keep_s]
        # Where the store has lost its state it has also lost which parts were counted.
        lost = cycle.version != self._saved
        fields = {**(self._remembered if lost else {}), **self._pending.fields}
        outcome, late = await self._write(self._token, fields, gone, lost=lost)
        if outcome != b"saved":
            self._forget()
            return False
        self._outcomes["late"] += int(late)
        self._remembered.update(self._pending.fields)
        for tick in sorted(self._remembered)[:-REMEMBERED_TICKS]:
            del self._remembered[tick]
        return True

    async def _write(
        self, token: str, fields: dict[int, list[str]], gone: Sequence[str], *, lost: bool = False
    ) -> tuple[bytes, int]:
        version = self._version()
        known = {**self._remembered, **fields}
        self._store.counted = {tick: known[tick] for tick in sorted(known)[-REMEMBERED_TICKS:]}
        used = self.judging.analysis.baseline
        document = self._store.document(used.id if used else "")
        baselines = self._store.unsaved_baselines(every=lost)
        keys = self._keys
        names = [keys.lease, keys.state, keys.ticks, keys.lost, keys.members, keys.baselines]
        arguments: list[Any] = [token, *version, self._agreement.keep_s]
        arguments += [len(document), *(item for pair in document.items() for item in pair)]
        arguments += [len(baselines), *(item for pair in baselines.items() for item in pair), len(gone), *gone]
        for tick, names_of_parts in fields.items():
            names += [keys.parts(tick), keys.counted(tick)]
            arguments += [tick, len(names_of_parts), *names_of_parts]
        outcome, late = await self._connection.run(SAVE, names, *arguments)
        if outcome == b"saved":
            self._saved = version
            self._store.baselines_saved(baselines)
        return outcome, int(late)

    def _say(self) -> None:
        """Of what has been saved."""
        pending, self._pending = self._pending, _Counted()
        for name, count in pending.outcomes.items():
            self._outcomes[name] += count
        self._thinned += pending.thinned
        for verdict in pending.changed:
            self._tell(verdict)
        told = {id(verdict) for verdict in pending.changed}
        for alarm in self._store.new_alarms(self.judging.alarms()):
            if id(alarm.verdict) not in told:  # of a monitor that died before it told
                self._tell(alarm.verdict)
