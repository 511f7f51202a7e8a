"""What one of several monitors saw, tick by tick, so that one of them can count it as if all had been seen in one place.

    parts = Parts(units, rules, context)        # beside the traffic
    parts.observe(sighting, observations, measurements)
    sealed, until = parts.close(now_s, in_flight_since_s)
    analysis.take(sealed_of_all, most)          # where the verdicts are made, one tick after the other

Rules of this file
* Counts alone do not add up: a user or a conversation whose requests are spread over several monitors would count once
  at each. So a part holds what counts by keyed hashes, before anybody asks who has counted already, and
  ``Analysis.take`` asks that once for all, in order of time.
* What an exchange itself says to be no trial (another turn was picked) is left out here already, and counted.
* A part is bounded by the number of its strata: of a row that has more than ``most`` trials in a tick those of the least
  conversations remain, which does not depend on what was answered. The ``most`` least of all are among the ``most``
  least of each part, so ``together`` leaves what one monitor of everything would have left, however the traffic was spread.
* A tick of which more than one copy in 200 was lost at one monitor, or a part with a process, is an invalid part: its
  counts are left out, those of the others are not.
* One monitor alone fixes the thresholds of measurements by all that it measures first; here by what may count of it.
* What an operator would find exchanges by (response and trace ids) stays where it was seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby

from detectors.records.measurement import Measurement
from detectors.records.observation import Observation
from detectors.records.sighting import Sighting
from detectors.watch.open_tick import Series
from detectors.watch.rules import Rules
from detectors.watch.ticks import TOLERATED_LOSSES, Invalid
from detectors.watch.units import Units

MOST = 10_000
"""Trials of a row that a tick holds by default."""
AT_ONCE = 500
"""Exchanges that are looked at between two breaths of ``together`` and ``Analysis.taking``."""

Shown = Observation | Measurement


@dataclass(frozen=True, slots=True)
class Told:
    """One exchange: what of it may count. ``sighting`` names no response and no trace."""

    sighting: Sighting
    observations: tuple[Observation, ...]
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One monitor's tick ``index``. ``seen`` maps a model to the start of its last request, and of the last that named its
    user (None: none did), Unix seconds. ``left_out`` counts what is no trial, by reason; ``thinned`` what was one too
    many in its row. An invalid part tells nothing.
    """

    index: int
    told: tuple[Told, ...] = ()
    seen: dict[str, tuple[float, float | None]] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    thinned: int = 0
    invalid: Invalid | None = None


_Kept = tuple[str, float, int, int, Sighting, Shown]
"""Conversation, start, number of the exchange, place of what it showed: sorted by these."""


_Order = tuple[str, float, int, int]
"""By which the least trials of a row are chosen: conversation, start, place of the exchange, place of what it showed."""


class _Open:
    """A tick while its exchanges end."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._rows: dict[Series, list[_Kept]] = {}
        self._exchange = 0
        self._place = 0
        self.seen: dict[str, tuple[float, float | None]] = {}
        self.left_out: dict[str, int] = {}
        self.thinned = 0

    def saw(self, sighting: Sighting) -> None:
        self._exchange += 1
        at_s, (last_s, named_s) = sighting.at_s, self.seen.get(sighting.model, (sighting.at_s, None))
        if sighting.user is not None:
            named_s = at_s if named_s is None else max(named_s, at_s)
        self.seen[sighting.model] = max(last_s, at_s), named_s

    def add(self, row: Series, sighting: Sighting, shown: Shown) -> None:
        kept = self._rows.setdefault(row, [])
        kept.append((sighting.conversation, sighting.at_s, self._exchange, self._place, sighting, shown))
        self._place += 1
        if len(kept) > 2 * self._most:
            self._thin(kept)

    def part(self, index: int) -> Part:
        """What it comes to: exchanges by their start, what they showed in the order in which it was shown."""
        for kept in self._rows.values():
            self._thin(kept)
        whole = sorted(
            (one for kept in self._rows.values() for one in kept), key=lambda one: (one[1], one[0], *one[2:4])
        )
        told = []
        for _, exchange in groupby(whole, key=lambda one: one[2]):
            sightings, shown = zip(*((one[4], one[5]) for one in exchange), strict=True)
            observations = tuple(one for one in shown if isinstance(one, Observation))
            measurements = tuple(one for one in shown if isinstance(one, Measurement))
            told.append(Told(sightings[0], observations, measurements))
        return Part(index, tuple(told), self.seen, self.left_out, self.thinned)

    def _thin(self, kept: list[_Kept]) -> None:
        if len(kept) > self._most:
            kept.sort(key=lambda one: one[:4])
            self.thinned += len(kept) - self._most
            del kept[self._most :]


class Parts:
    """``units`` are the rules by which things count; of the behaviours ``context`` nothing is told; ``most`` as above.
    ``late`` counts exchanges that ended after their tick was closed.
    """

    def __init__(self, units: Units, rules: Rules, context: Collection[str] = (), most: int = MOST) -> None:
        self._units = units
        self._rules = rules
        self._context = frozenset(context)
        self._most = most
        self._open: dict[int, _Open] = {}
        self._copies: dict[int, list[int]] = {}
        self._lost_until = -1
        self.until: int | None = None
        self.late = 0

    def observe(
        self, sighting: Sighting, observations: Iterable[Observation], measurements: Iterable[Measurement] = ()
    ) -> None:
        """What one exchange showed, in any order. Never raises for what it holds."""
        index = self._index(sighting.at_s)
        if self.until is not None and index < self.until:
            self.late += 1
            return
        tick = self._open.get(index)
        if tick is None:
            tick = self._open[index] = _Open(self._most)
        tick.saw(sighting)
        every: Iterable[Shown] = chain(observations, measurements)
        shown = [one for one in every if one.feature not in self._context]
        reasons = self._units.candidates(sighting, dict.fromkeys(one.feature for one in shown))
        for one in shown:
            reason = reasons[one.feature]
            if reason is not None:
                # A measurement becomes as many observations as there are quantiles; here it is one.
                tick.left_out[reason] = tick.left_out.get(reason, 0) + 1
            else:
                tick.add(_row_of(self._units, sighting, one), sighting, one)

    def copied(self, at_s: float, kept: int, lost: int) -> None:
        """As ``Ticks.copied``."""
        index = self._index(at_s)
        if self.until is None or index >= self.until:
            copies = self._copies.setdefault(index, [0, 0])
            copies[0] += kept
            copies[1] += lost

    def forgot(self, until_s: float) -> None:
        """As ``Ticks.forgot``."""
        self._lost_until = self._index(until_s)

    def close(self, now_s: float, in_flight_since_s: float | None = None) -> tuple[list[Part], int]:
        """The parts that are complete, oldest first, and the first tick that is not. Arguments as of ``Analysis.close``."""
        until = self._index(now_s - self._rules.grace_s)
        if in_flight_since_s is not None:
            until = max(until, self._index(min(in_flight_since_s, now_s)))
        until = until if self.until is None else max(until, self.until)
        return self._sealed(until), until

    def end(self) -> list[Part]:
        """All that is left, at the end: nothing more will come."""
        return self._sealed(max(self._open, default=-1) + 1)

    def _sealed(self, until: int) -> list[Part]:
        self.until = until if self.until is None else max(until, self.until)
        parts = [self._part(index, self._open.pop(index)) for index in sorted(self._open) if index < until]
        self._copies = {index: copies for index, copies in self._copies.items() if index >= until}
        return parts

    def _part(self, index: int, tick: _Open) -> Part:
        kept, lost = self._copies.get(index, (0, 0))
        if index <= self._lost_until:
            return Part(index, invalid="restart")
        if lost > TOLERATED_LOSSES * (kept + lost):
            return Part(index, invalid="losses")
        return tick.part(index)

    def _index(self, at_s: float) -> int:
        return int(at_s // self._rules.tick_s)


class Together:
    """The parts of one tick as one. ``steps`` does it, a breath every ``AT_ONCE`` exchanges, for who has more to do than this;
    then ``told`` is what counts, in the order in which requests began, whoever told it first, and ``thinned`` how many
    trials were too many in their rows.
    """

    def __init__(self, parts: Sequence[Part], units: Units, most: int) -> None:
        self.parts = parts
        self.told: list[Told] = []
        self.thinned = 0
        self._units = units
        self._most = most

    def steps(self) -> Iterator[None]:
        """To be gone through to its end."""
        self.told = sorted((one for part in self.parts if part.invalid is None for one in part.told), key=_when)
        yield
        if sum(len(one.observations) + len(one.measurements) for one in self.told) <= self._most:
            return
        rows: dict[Series, list[_Order]] = {}
        for place, one in enumerate(self.told):
            for row, order, _ in self._trials(place, one):
                rows.setdefault(row, []).append(order)
            if not place % AT_ONCE:
                yield
        # What remains of a row is what comes before its cut.
        cuts: dict[Series, _Order] = {}
        for row, trials in rows.items():
            if len(trials) > self._most:
                cuts[row] = sorted(trials)[self._most]
                yield
        if cuts:
            for place, one in enumerate(self.told):
                self.told[place] = self._cut(place, one, cuts)
                if not place % AT_ONCE:
                    yield

    def _trials(self, place: int, told: Told) -> Iterator[tuple[Series, _Order, Shown]]:
        every: Iterable[Shown] = chain(told.observations, told.measurements)
        for number, shown in enumerate(every):
            order = (told.sighting.conversation, told.sighting.at_s, place, number)
            yield _row_of(self._units, told.sighting, shown), order, shown

    def _cut(self, place: int, told: Told, cuts: dict[Series, _Order]) -> Told:
        every = list(self._trials(place, told))
        remains = [shown for row, order, shown in every if row not in cuts or order < cuts[row]]
        self.thinned += len(every) - len(remains)
        observations = tuple(one for one in remains if isinstance(one, Observation))
        return Told(told.sighting, observations, tuple(one for one in remains if isinstance(one, Measurement)))


def _row_of(units: Units, sighting: Sighting, shown: Shown) -> Series:
    if isinstance(shown, Observation):
        return units.row_of(shown, sighting)
    return shown.feature, shown.stratum, sighting.model


def _when(told: Told) -> tuple[float, str, int, str]:
    sighting = told.sighting
    return sighting.at_s, sighting.conversation, sighting.turn or 0, sighting.user or ""
