"""What a file of ``detectors/behaviours`` offers to the catalogue.

There are three kinds. Most count: ``observe`` says yes or no of an exchange. Some measure: ``measure``
gives a length or a time, which becomes yes or no only against thresholds that a baseline brings. One
compares: ``compares`` names the counted behaviour whose strata are set against one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.measurement import Measurement
from detectors.records.observation import Observation

UnitRule = Literal["pick", "conversation", "user_day"]
"""Which of many exchanges that are alike for one reason count, so that counts are independent.

``pick``: of a conversation's exchanges in a length stratum the one at a turn that a keyed hash of
the conversation chose beforehand; where that turn has many, the first one observed by this behaviour. For
what every turn shows.
``conversation``: the first of a conversation in a row (in a stratum, where ``row`` is None). For what comes
many times within a turn, such as steps of a chain of tools, or at few turns.
``user_day``: the first of a user in a stratum and day (UTC). For what a person does over and over.
"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rates of the strata of ``behaviour`` against its stratum ``anchor``.

    ``limit`` in (0, 1): the difference of rates beyond which a gap is exceeded (``detectors.stats.rate_gap``).
    """

    behaviour: str
    anchor: str
    limit: float


def no_observations(exchange: Exchange, features: Features) -> Iterable[Observation]:  # noqa: ARG001  # the shape is `observe`'s
    """The ``observe`` of a behaviour that measures or compares."""
    return ()


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A watched behaviour: its question, its unit, and how an exchange is counted.

    ``observe(exchange, features)`` never raises on any Exchange, reads no clock, and
    returns observations whose ``feature`` is ``name``. ``strata`` is the closed set of
    strata, or None where they come from the traffic (languages, tools) and the shell
    folds what is past its top K into ``other``. For a behaviour that measures they are the
    strata of its measurements; those of the observations made of them add a quantile (``4-7:q90``).

    ``row``: strata whose ``row(stratum)`` is the same are the outcomes of one choice (the tools that can
    follow a tool). An observation of value 1 in one of them is a trial of value 0 in each of the others,
    so a row's trials are the observations of all its strata. None: every stratum has its own trials.
    ``exclusive``: an exchange is in one stratum at most, so that strata are the parts of a whole; otherwise, and where
    there are rows, they are neither tested together nor folded into one another.
    ``by_language``: rates differ between languages, so that another mix of languages would move this one's: a stratum is
    compared language by language.
    ``needs_identity``: only exchanges with a user key are counted; without any the state is ``no_user_key``.
    ``context``: tells how the service does, not how the model behaves; shown, never an alarm.
    """

    name: str
    question: str
    unit: str
    assumes: str
    breaks: str
    observe: Callable[[Exchange, Features], Iterable[Observation]] = no_observations
    strata: tuple[str, ...] | None = None
    unit_rule: UnitRule = "pick"
    row: Callable[[str], str] | None = None
    exclusive: bool = True
    by_language: bool = False
    needs_identity: bool = False
    context: bool = False
    measure: Callable[[Exchange, Features], Iterable[Measurement]] | None = None
    compares: Comparison | None = None
