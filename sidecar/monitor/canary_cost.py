"""What canaries will cost, said before anything is sent."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from sidecar.canary.asking import Asker, most_tokens
from sidecar.canary.case import Case
from sidecar.canary.schedule import DAY_S
from sidecar.config_canary import Canary

log = logging.getLogger("kilter.monitor")

_WORST_BY_EXPECTED = 3
"""A question's worst case counts a token a byte; what is then used is about a third."""


def announce(config: Canary, asker: Asker, asked: Iterable[Case]) -> None:
    """Expected tokens a day against the budget, and what the budget leaves no room for. ``asked``: one epoch's prompts."""
    cases = [case for case in asked if not case.needs_vision]
    worst = [
        most_tokens(asker.endpoint.target, asker.question(case.system, case.script, case.tools, case.max_tokens))
        for case in cases
    ]
    a_day = DAY_S / config.interval_s
    expected = round(a_day * sum(worst) / max(len(cases), 1) / _WORST_BY_EXPECTED)
    fields = {
        "prompts": len(cases),
        "canaries_a_day": round(a_day, 1),
        "tokens_a_day_expected": expected,
        "tokens_a_day": config.tokens_a_day,
    }
    log.info("canaries are asked", extra={"fields": fields})
    if expected > config.tokens_a_day:
        log.warning("more canaries are due than the day's budget is likely to hold", extra={"fields": fields})
    if never := sum(tokens > config.tokens_a_minute for tokens in worst):
        log.warning(
            "prompts that do not fit into a minute's budget are not asked", extra={"fields": {"prompts": never}}
        )
