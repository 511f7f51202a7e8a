"""A refusal, and the same refusal with an answer after it: told apart in every language of the scripted texts."""

import pytest

from detectors.features.judgement import judge_text
from sidecar.demo.language import languages


@pytest.mark.parametrize("tag", sorted(languages()))
def test_a_refusal_with_an_answer_after_it_is_told_from_the_refusal_alone(tag):
    """Measured: all of them; 95 in 100 is the promise."""
    spoken = languages()[tag]
    apart = [
        (judge_text(refusal).label, judge_text(f"{refusal}\n\n{topic.answer}").label) == ("refusal", "hollow_refusal")
        for refusal in spoken.refusals
        for topic in spoken.topics
    ]
    assert sum(apart) >= 0.95 * len(apart)


def test_there_are_at_least_ten_languages():
    assert len(languages()) >= 10
