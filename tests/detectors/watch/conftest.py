"""One learned house for all tests: two days of 300 users, four languages, refusals of 8 %."""

import pytest
from simulated import conversations, feed

from detectors.catalog import behaviours
from detectors.watch.analysis import Analysis
from detectors.watch.rules import Rules

DAY = 86400
START = 19_000 * DAY
"""A midnight, UTC."""
RULES = Rules(tick_s=600, evidence_ticks=30, floor=0.05, floor_relative=0.6, learn_days=2, learn_trials=1000)
USUAL = 0.08


def usual(language, turn, at_s):
    return USUAL


class House:
    """``fresh()`` is the analysis after the promotion, again and again."""

    rules, start = RULES, START
    now = START + 2 * DAY

    def __init__(self):
        learning = Analysis(behaviours(), RULES, "digest")
        feed(learning, conversations(1, START, self.now, 0.045, usual), every_s=600)
        learning.close(self.now, in_flight_since_s=self.now)
        self.learned = learning.to_json()
        learning.promote(self.now)
        self.promoted = learning.to_json()

    def learning(self):
        return self.restored(self.learned)

    def fresh(self):
        return self.restored(self.promoted)

    @staticmethod
    def restored(text, classifier="digest"):
        return Analysis.from_json(text, behaviours(), RULES, classifier)

    def traffic(self, seed, days, rate=usual, *, after_days=0, **more):
        begins = self.now + after_days * DAY
        return conversations(seed, begins, begins + days * DAY, 0.045, rate, **more)


@pytest.fixture(scope="package")
def house():
    return House()
