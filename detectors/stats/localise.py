"""When did the rate move? The change point that splits the likelihood, and the ticks that compete with it.

For every start j the ticks from j on are compared with the reference and all ticks before j: the
generalised likelihood ratio of two rates against one (the deviance of both samples). The estimate is the
median of the starts weighted by their likelihood: where several compete it lies among them, and is far off
less often than the likeliest start (at the moment of an alarm, 90 % against 89 % within 4 blocks). Every j
within ``NATS`` of the greatest ratio is a candidate.

Needs the ticks themselves: a ring of the last 2,048 is plenty. Costs O(ticks). One change is
assumed; after two, the larger one is found.

Hinkley (1970), Biometrika 57(1), 1-17.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from detectors.stats.hypergeometric import exponent

NATS = 3.0


@dataclass(frozen=True, slots=True)
class Change:
    """``at`` is the index of the first changed tick; ``earliest`` .. ``latest`` hold every candidate.

    ``statistic`` is the greatest log likelihood ratio, nats. ``rate_before`` includes the reference.
    """

    at: int
    earliest: int
    latest: int
    statistic: float
    rate_before: float
    rate_after: float


def localise(
    events: ArrayLike, trials: ArrayLike, reference_events: float, reference_trials: float, nats: float = NATS
) -> Change | None:
    """The change within ``events`` of ``trials``, both (ticks,); None where there is no trial.

    >>> change = localise([1, 0, 1, 1, 6, 5, 7], [20] * 7, 50, 1000)
    >>> change.at, change.earliest, change.latest
    (4, 4, 4)
    """
    k, n = np.asarray(events, float), np.asarray(trials, float)
    if not n.any():
        return None
    after_k, after_n = np.cumsum(k[::-1])[::-1], np.cumsum(n[::-1])[::-1]
    before_k, before_n = reference_events + k.sum() - after_k, reference_trials + n.sum() - after_n
    t = after_k + before_k
    expected = after_n * t / (after_n + before_n)
    statistic = np.where(after_n > 0, exponent(after_k, expected, after_n, t, before_n), 0.0)
    greatest = float(statistic.max())
    # Ticks without trials cannot be told from the next one; the likelihood counts them once.
    weights = np.where(n > 0, np.exp(statistic - greatest), 0.0).cumsum()
    at = int(np.searchsorted(weights, weights[-1] / 2))
    near = np.flatnonzero(statistic >= greatest - nats)
    return Change(
        at=at,
        earliest=int(near[0]),
        latest=int(near[-1]),
        statistic=greatest,
        rate_before=float(before_k[at] / before_n[at]) if before_n[at] else float("nan"),
        rate_after=float(after_k[at] / after_n[at]),
    )
