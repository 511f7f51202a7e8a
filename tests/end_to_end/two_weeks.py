"""Two weeks of one house on one page: what was alarmed, when, and what was not.

    python tests/end_to_end/two_weeks.py

8 languages, 5 apps, 300 Zipf users with habits of their own, days and nights; the first week is learned. Then people change
(day 8: more Turkish; day 9: an app is launched; a night's outage), and on day 11 the model is swapped: the new
one refuses Swahili 25 points more often, and does not say so. Seed 7; half a minute of a core.
"""

import math
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from simulated import key, length_stratum

from detectors.catalog import behaviours
from detectors.records.observation import Observation
from detectors.records.sighting import Sighting
from detectors.watch.analysis import Analysis
from detectors.watch.explanation import clock
from detectors.watch.rules import Rules

DAY, TICK = 86400, 600
START = 19_005 * DAY
LEARNED, SWAPPED, END = START + 7 * DAY, START + 11 * DAY, START + 14 * DAY
LANGUAGES = {"en": 40, "de": 12, "fr": 10, "es": 10, "tr": 8, "zh": 8, "sw": 7, "ar": 5}
RATES = {"en": 0.05, "de": 0.05, "fr": 0.06, "es": 0.06, "tr": 0.09, "zh": 0.08, "sw": 0.12, "ar": 0.10}
APPS = {"chat": 50, "mail": 20, "search": 15, "docs": 15}
LAUNCHED = "agent"
OUTAGE = (START + 9.9 * DAY, START + 10.2 * DAY)
RULES = Rules(tick_s=TICK, floor=0.05, floor_relative=1.0, evidence_ticks=6)


def exchanges(rng):
    """(sighting, observations) in the order in which conversations begin."""
    habits = [rng.gauss(0, 0.15) for _ in range(300)]
    zipf = [1 / (rank + 10) for rank in range(300)]
    at_s, number = float(START), 0
    while (at_s := at_s + rng.expovariate(0.09)) < END:
        daily = 0.6 + 0.4 * math.sin(2 * math.pi * (at_s % DAY) / DAY - math.pi / 2)
        if rng.random() > daily or OUTAGE[0] < at_s < OUTAGE[1]:
            continue
        number += 1
        day = (at_s - START) / DAY
        spoken = {**LANGUAGES, "tr": 25} if day >= 8 else LANGUAGES
        language = rng.choices(list(spoken), list(spoken.values()))[0]
        apps = {**APPS, LAUNCHED: 30} if day >= 9 else APPS
        app = rng.choices(list(apps), list(apps.values()))[0]
        who = rng.choices(range(300), zipf)[0]
        odds = RATES[language] / (1 - RATES[language]) * math.exp(habits[who])
        refused = odds / (1 + odds) + (0.25 if language == "sw" and at_s >= SWAPPED else 0)
        conversation, user = key(f"c{number}"), key(f"u{who}")
        for turn in range(1, rng.choice((1, 1, 3, 7)) + 1):
            began, value = at_s + 20.0 * turn, float(rng.random() < refused)
            sighting = Sighting(
                conversation, "m", began, turn, user, response_id=f"r-{number}-{turn}", app=app, language=language
            )
            strata = {"refusal_by_language": language, "refusal_by_length": length_stratum(turn), "refusal_by_app": app}
            yield sighting, [Observation(b, s, value, conversation, user, began) for b, s in strata.items()]


def main():
    """Prints the page."""
    begun = time.process_time()
    analysis, seen, closed_s = Analysis(behaviours(), RULES, "d"), 0, float(START)
    changed = []
    for sighting, observations in exchanges(random.Random(7)):
        seen += 1
        if sighting.at_s >= closed_s + TICK:
            # Conversations overlap by a few minutes: what began two ticks ago has ended.
            changed += analysis.close(sighting.at_s, in_flight_since_s=sighting.at_s - TICK)
            closed_s = sighting.at_s
        if analysis.baseline is None and sighting.at_s >= LEARNED:
            analysis.promote(sighting.at_s)
        analysis.observe(sighting, observations)
    baseline = analysis.baseline
    print(
        f"{seen:,} exchanges, {analysis.closed:,} ticks of {TICK // 60} minutes, {time.process_time() - begun:.0f} s of one core"
    )
    print(f"baseline {baseline.id}: {baseline.days} days, {len(baseline.references)} strata, margins "
          f"{min(r.odds_margin for r in baseline.references):.2f} to {max(r.odds_margin for r in baseline.references):.2f}")  # fmt: skip
    print(f"the model was swapped at {clock(SWAPPED, START)}\n\nalarms")
    for alarm in analysis.alarms:
        print(f"  {clock(alarm.verdict.at_s, START)}  {alarm.verdict.explanation}")
    print("\nstates at the end")
    for verdict in sorted(analysis.verdicts(), key=lambda one: (one.state, one.series)):
        print(f"  {verdict.state:15} {verdict.explanation.split('; budget')[0]}")
    states = [verdict for verdict in changed if verdict.state in ("watch", "out_of_control", "recovered")]
    print("\nwhat was ever more than in control")
    for verdict in states:
        print(f"  {clock(verdict.at_s, START)}  {verdict.state}: {verdict.behaviour}, {verdict.stratum}")
    print(f"\nleft out: {analysis.units.left_out}, unfinished {analysis.ticks.unfinished}")


if __name__ == "__main__":
    main()
