import re
import time

import pytest

from detectors.features.folding import fold
from detectors.features.languages import lexicon, tags
from detectors.features.lexicon import ROLES, Lexicon


def test_a_lexicon_without_a_phrase_for_cannot_is_refused():
    with pytest.raises(ValueError, match="'xx' needs at least one phrase"):
        Lexicon("xx", cannot=())


@pytest.mark.parametrize("tag", sorted(tags()))
def test_every_lexicon_holds_every_role_and_only_signs_of_the_notation(tag):
    entry = lexicon(tag)
    assert entry.tag == tag
    for role in ROLES:
        phrases = getattr(entry, role)
        assert phrases or role in ("idiom", "counsel"), role
        for phrase in phrases:
            assert phrase.count("(") == phrase.count(")"), phrase
            assert not re.search(r"[*+?\[\]{}\\^$]", phrase), phrase
            assert "|" not in re.sub(r"\([^()]*\)", "", re.sub(r"\([^()]*\)", "", phrase)), phrase


@pytest.mark.parametrize("tag", sorted(tags()))
def test_no_phrase_is_found_in_nothing(tag):
    assert list(lexicon(tag).phrasebook.find("")) == []
    assert lexicon(tag).idioms.search("") is None


@pytest.mark.parametrize("tag", sorted(tags()))
def test_reading_is_linear_in_the_text(tag):
    """Ten times the text takes at most some thirty times as long, for the phrases' own beginnings."""

    def seconds(text):
        best = 1.0
        for _ in range(3):
            start = time.process_time()
            list(phrasebook.find(text))
            best = min(best, time.process_time() - start)
        return best

    phrasebook = lexicon(tag).phrasebook
    beginning = fold(re.split(r"[(|)…~_]", lexicon(tag).cannot[0].lstrip("("))[0]) + " "
    assert seconds(beginning * 2000) < 30 * seconds(beginning * 200) + 0.002
