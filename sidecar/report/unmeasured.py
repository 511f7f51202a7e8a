"""What the period does not say: always something, since some things are never measured. Waivers stand beside what they waive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sidecar.report.mapping import mapping

_STATES = {
    "warming_up": "too few observations yet",
    "too_few_users": "too few users ask",
    "undetectable": "the baseline is too small to show a change that matters",
    "no_baseline": "there is no baseline to compare with",
    "no_user_key": "no request names its user",
}
_ENOUGH_COPIES = 0.995


def unmeasured(document: Mapping[str, Any], waivers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of ``what``, ``why`` and ``waiver`` (or None). ``document`` holds the other sections."""
    in_force = {waiver["what"]: waiver for waiver in waivers if waiver["in_force"]}
    rows = [*_of_behaviours(document), *_of_canaries(document), *_of_languages(document), *_of_the_watch(document)]
    rows += mapping()["limits"]
    return [{**row, "waiver": in_force.get(row["what"])} for row in rows]


def waived(words: Mapping[str, Any], at_s: float) -> list[dict[str, Any]]:
    """The waivers of the configuration. ``in_force``: not past their last day."""
    today = datetime.fromtimestamp(at_s, UTC).date().isoformat()
    return [{**waiver, "in_force": waiver["until"] >= today} for waiver in words.get("waivers", [])]


def _of_behaviours(document: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for row in document["status"]["behaviours"]:
        if row["standing"] in ("insufficient", "not_measured"):
            why = ", ".join(_STATES.get(state, state) for state in row["states"]) or "nothing of it was seen"
            yield {"what": f"behaviour:{row['name']}", "why": why}


def _of_canaries(document: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    canaries = document["canaries"]
    if not canaries["asked"]:
        yield {"what": "canaries", "why": "no canary was asked in the period"}
    for kind in ("groups", "quadrants"):
        for row in canaries[kind]:
            if not row["n"]:
                why = (
                    "asked, and nothing was decided" if row["standing"] == "insufficient" else "no canary asked for it"
                )
                yield {"what": f"{kind[:-1]}:{row['name']}", "why": why}
    for reason, count in document["traffic"]["canaries_skipped"].items():
        why = "the day's budget was spent" if reason == "budget" else f"reason: {reason}"
        yield {"what": f"canaries skipped ({reason})", "why": f"{count} were due and not asked: {why}"}
    for suite in document["suites"]:
        if suite["facts"]["expired"]:
            counted = f"{suite['facts']['expired']} of {suite['facts']['total']} facts have expired and are not asked"
            yield {"what": f"suite:{suite['suite']}", "why": counted}
        if suite["file"] is not None and not suite["asked"]:
            yield {"what": f"suite:{suite['suite']}", "why": "not asked in the period"}
        elif suite["not_measured"]:
            yield {"what": f"suite:{suite['suite']}", "why": f"a pass does not say: {suite['not_measured']}"}
    if document["suites_unread"]:
        yield {"what": "suites", "why": document["suites_unread"]}


def _of_languages(document: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    rows = document["languages"]
    for row in rows:
        if not row["covered"]:
            share = f"{100 * row['share']:.1f} % of the traffic" if row["share"] is not None else "no traffic"
            yield {"what": f"language:{row['language']}", "why": f"{share}, and no canary was decided in it"}
    if not any(row["low_resource"] and row["covered"] for row in rows):
        yield {"what": "language:low_resource", "why": "no canary was decided in any low-resource language"}
    for row in document["calibration"]["languages"]:
        if not row["calibrated"]:
            yield {
                "what": f"classifier in {row['language']}",
                "why": "its errors have not been measured there: rates are shown uncorrected, and gaps alarm nobody",
            }


def _of_the_watch(document: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    uptime, traffic = document["uptime"], document["traffic"]
    for gap in uptime["gaps"]:
        if gap["why"] != "unrecorded":
            yield {"what": f"{gap['from']} to {gap['until']}", "why": f"behaviour was not watched ({gap['why']})"}
        else:
            yield {"what": f"{gap['from']} to {gap['until']}", "why": f"{gap['lost']} records could not be written"}
    if traffic["requests"] and traffic["copies"] < _ENOUGH_COPIES * traffic["requests"]:
        share = 100 * traffic["copies"] / traffic["requests"]
        yield {"what": "traffic that was not looked at", "why": f"{share:.1f} % of the requests were looked at"}
    if document["integrity"]["broken"]:
        yield {"what": "records after the first bad one", "why": document["integrity"]["broken"]}
    if not document["selftest"]["last_passed"]:
        yield {
            "what": "whether an alarm would be raised",
            "why": "no fire drill (`kilter selftest`) passed in the period",
        }
