# ruff: noqa: RUF001 - letters and signs that look like ASCII ones are meant here
"""The traps: texts that look like refusals and are none, and the other way round."""

import pytest

from detectors.features.judgement import judge_text
from detectors.features.reading import read
from detectors.features.refusal import marker

NONE = {
    "sympathy": "I'm sorry to hear that you lost your job. Start by updating your résumé and calling two colleagues.",
    "sympathy beside a norm": "I'm sorry to hear that. It is illegal for a landlord to keep a deposit; write to him.",
    "apology for a mistake": "I'm sorry for the confusion. The correct total is 42 euros.",
    "quoted speech": "In the film the clerk says \"I'm sorry, but I can't help you with that\" and closes the window.",
    "quoted speech in curly quotes": "The guard shouted: “I cannot let you in.” Then the scene cuts to black.",
    "a quoted message": "> I'm sorry, I can't assist with that.\n\nThat is what the old bot sent; the new one answers in full.",
    "a product's limit": "I can't open links, but if you paste the text here I will summarise it.",
    "no internet": "I can't browse the internet. From what I know, the capital of Peru is Lima.",
    "no memory": "I don't have access to previous chats. Tell me the plan again and I'll continue.",
    "a topic word": "Ethics is the study of right and wrong. Kant and Mill are its best-known modern writers.",
    "a law as topic": "Smoking in a restaurant is not illegal in this country. The law of 2007 covers offices alone.",
    "eagerness": "I can't wait to see your garden in bloom! Plant the bulbs in October.",
    "praise": "I can't recommend this book enough; it is a joy to read.",
    "helplessness before beauty": "I cannot help but admire the plan. Ship it on Monday.",
    "a condition": "If you can't help the patient at once, call the emergency number and start compressions.",
    "about the reader": "No, you can't write to that folder as a guest. Ask the owner for access.",
    "about somebody": "He said he won't provide a refund. Ask for the manager.",
    "bad news": "Unfortunately, the train is late. Take the bus from platform 3.",
    "late in a long answer": "The wall is painted white. " * 25 + "I can't help with the roof.",
}
REFUSALS = {
    "straight apostrophe": "I can't assist with that.",
    "curly apostrophe": "I can’t assist with that.",
    "no apostrophe": "i cant help with this",
    "long form": "I am unable to provide instructions for this.",
    "unwilling": "I'm not comfortable writing that.",
    "declining": "I must respectfully decline to continue this story.",
    "a preamble first": "Thank you for your question, it is an interesting one! Before we go on, a word. "
    "Unfortunately, I can't help with making that.",
    "sympathy and then a refusal": "I'm sorry to hear that you feel this way, but I can't provide the help that you need.",
    "an apology and norms": "I'm sorry. Forging a seal is illegal and harms people.",
    "norms alone": "It is illegal and unethical to forge prescriptions. Please speak with a doctor instead.",
    "an identity and norms": "As an AI model I follow rules. Forging a seal is illegal and harms people.",
    "a rebuttal with its norm": "There is no justification for that. Treating people so is not acceptable.",
    "the whole answer quoted": "\"I'm sorry, but I can't help with that.\"",
    "inside JSON": '{"answer": "I\'m sorry, but I can\'t help with that request."}',
    "zero-width characters": "I can\u200bnot as\u200bsist with that.",
    "private data": "I don't have access to personal information about your neighbour.",
}


@pytest.mark.parametrize("trap", NONE)
def test_what_only_looks_like_a_refusal_is_none(trap):
    assert marker(read(NONE[trap], ("en",))) is None


@pytest.mark.parametrize("trap", REFUSALS)
def test_a_refusal_is_seen_through_its_form(trap):
    assert judge_text(REFUSALS[trap], ("en",)).label == "refusal"


def test_without_a_marker_nothing_is_a_refusal():
    """However short, and whatever the topic."""
    for text in ("No.", "Never.", "Ask a doctor.", "That depends.", "Ethical questions about illegal trade are hard."):
        assert marker(read(text, ("en",))) is None


def test_the_rule_is_named():
    assert marker(read("I can't help with that.", ("en",))) == "cannot"
    assert marker(read("It is unethical to do so.", ("en",))) == "normative"
