"""What is remembered of one tested stratum beside the scan: its episode, its users, its recent exchanges."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from detectors.records.verdict import Example, State
from detectors.stats.episode import Episode
from detectors.watch.open_tick import EXAMPLES
from detectors.watch.users import Users


def _examples() -> deque[Example]:
    return deque(maxlen=EXAMPLES)


@dataclass(slots=True)
class Track:
    """``since`` holds (events, trials) of each layer from the change on; ``changed_at`` is that change's tick.

    ``confirmed``: in this episode the difference has been shown to exceed the floor.
    ``events`` and ``others`` are recent exchanges in which the event happened, and did not.
    """

    episode: Episode
    state: State = "warming_up"
    users: Users = field(default_factory=Users)
    trials: int = 0
    changed_at: int | None = None
    since: list[list[int]] = field(default_factory=list)
    confirmed: bool = False
    recovered_at: int | None = None
    events: deque[Example] = field(default_factory=_examples)
    others: deque[Example] = field(default_factory=_examples)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; see ``from_dict``."""
        plain = {name: getattr(self, name) for name in ("state", "trials", "changed_at", "since", "confirmed")}
        return {
            **plain,
            "recovered_at": self.recovered_at,
            "episode": self.episode.to_json(),
            "users": self.users.state(),
            "events": [asdict(example) for example in self.events],
            "others": [asdict(example) for example in self.others],
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """The inverse of ``to_dict``."""
        users = Users()
        users.restore(raw["users"])
        events, others = (deque((Example(**one) for one in raw[name]), EXAMPLES) for name in ("events", "others"))
        parts = {"episode": Episode.from_json(raw["episode"]), "users": users, "events": events, "others": others}
        return cls(**{**raw, **parts})
