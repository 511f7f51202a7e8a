"""What is asked next follows the languages of the traffic, and within them what is known least well."""

from collections import Counter

import pytest

from sidecar.canary.rota import FLOOR, Known, Rota, shares

LANGUAGES = ("en", "tr", "bn", "ro", "sw", "es", "de", "fr")
MIX = dict(zip(LANGUAGES, (40, 20, 12, 10, 8, 5, 3, 2), strict=True))


def cells(languages=LANGUAGES, suites=("s", "t"), **facts):
    known = Known(**{"prompts": 10, "weight": 1.0, "passed": 0, "decided": 0, **facts})
    return {(suite, language): known for suite in suites for language in languages}


def asked(rota, known, mix, count):
    counts = Counter()
    for _ in range(count):
        cell = rota.next(known, mix)
        rota.asked(cell)
        counts[cell] += 1
    return counts


def by_language(counts):
    total, languages = counts.total(), Counter()
    for (_, language), count in counts.items():
        languages[language] += count
    return {language: count / total for language, count in languages.items()}


def test_canaries_follow_the_mix_of_eight_languages_within_five_points():
    had = by_language(asked(Rota(), cells(), MIX, 400))
    assert all(abs(had[language] - MIX[language] / 100) < 0.05 for language in LANGUAGES)


def test_a_mix_that_changes_is_followed_without_catching_up():
    rota = Rota()
    asked(rota, cells(), MIX, 1000)
    turned = dict(zip(LANGUAGES, (2, 3, 5, 8, 10, 12, 20, 40), strict=True))
    asked(rota, cells(), turned, 200)
    had = by_language(asked(rota, cells(), turned, 400))
    assert all(abs(had[language] - turned[language] / 100) < 0.05 for language in LANGUAGES)


def test_a_language_that_nobody_speaks_keeps_its_floor():
    had = by_language(asked(Rota(), cells(), {"en": 100}, 2000))
    assert min(had.values()) >= FLOOR / 2
    assert set(had) == set(LANGUAGES)
    assert had["en"] > 0.9


def test_without_traffic_languages_share_by_how_many_prompts_they_have():
    known = {("s", "en"): Known(90, 1.0, 0, 0), ("t", "bn"): Known(10, 1.0, 0, 0)}
    assert by_language(asked(Rota(), known, {}, 200)) == pytest.approx({"en": 0.9, "bn": 0.1}, abs=0.01)


def test_a_language_of_the_traffic_without_canaries_takes_nothing_from_the_others():
    assert shares({"en": 1, "tr": 1}, {"fi": 50.0, "en": 10.0, "tr": 10.0}) == {"en": 0.5, "tr": 0.5}


def test_the_suite_that_is_known_least_well_is_next_and_none_is_starved():
    known = {
        ("sure", "en"): Known(10, 1.0, 500, 500),
        ("unsure", "en"): Known(10, 1.0, 5, 10),
        ("heavy", "en"): Known(10, 3.0, 5, 10),
    }
    counts = asked(Rota(), known, {}, 600)
    assert counts["heavy", "en"] > counts["unsure", "en"]
    assert min(counts[cell] for cell in known) >= 600 / 3 / 4 - 3


def test_an_interval_that_narrows_lets_others_come_first():
    rota, known = Rota(), {("s", "en"): Known(10, 1.0, 0, 0), ("t", "en"): Known(10, 1.0, 9, 10)}
    assert rota.next(known, {}) == ("s", "en")
    assert rota.next({**known, ("s", "en"): Known(10, 1.0, 90, 90)}, {}) == ("t", "en")


def test_where_there_is_nothing_to_ask_nothing_is_next():
    assert Rota().next({}, MIX) is None
