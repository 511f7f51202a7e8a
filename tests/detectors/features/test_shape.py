import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.features.shape import SHAPES, shape

STEPS = "1. Mix the flour.\n2. Knead the dough.\n3. Bake it."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"city": "Lisbon"}', "json"),
        ("[]", "json"),
        ("{}", "json"),
        ('```json\n{"city": "Lisbon"}\n```', "json"),
        ('  [{"a": 1},\n {"a": 2}]\n', "json"),
        ('{"city": "Lis', "prose"),
        ("{braces} in prose", "prose"),
        ("[A note] in brackets]", "prose"),
        ("```python\nfor i in range(9):\n    print(i)\n```", "code"),
        ("```\nls -l", "code"),
        ("Run this:\n```sh\nls -l | sort -n | tail -20 > largest.txt\n```", "code"),
        ("A long explanation of the command follows, with every detail that matters.\n```sh\nls\n```", "prose"),
        (STEPS, "list"),
        (f"Bread in three steps:\n\n{STEPS}", "list"),
        ("- a\n- b", "prose"),
        ("• eins\n• zwei\n• drei", "list"),
        ("1、面粉\n2、水\n3、盐", "list"),
        ("One line.\nTwo lines.\nThree lines.", "prose"),
        ("1.5 litres of water\n2.5 kilos of flour\n3.5 grams of salt", "prose"),
        ("**Note**\n*First*\n**Second**", "prose"),
        (f"A story.\nIt began.\nIt went on.\nAnd on.\n{STEPS}\nThen they left.\nThe end.", "prose"),
        ("Yes.", "prose"),
        (" \n ", None),
    ],
)
def test_the_shape_of_an_answer(text, expected):
    assert shape(text) == expected


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(st.characters(codec=None), max_size=200), st.text('`{}[]-1. \n"a', max_size=60)))
def test_any_text_has_one_shape_or_shows_nothing(text):
    found = shape(text)
    assert found in SHAPES if text.strip() else found is None


@pytest.mark.parametrize("text", ["`" * 2**20, "```" * 2**18, " \n" * 2**19, "- " * 2**19, "{" * 2**20])
def test_a_mebibyte_made_to_be_slow_is_not(text):
    started = time.perf_counter()
    shape(text)
    assert time.perf_counter() - started < 0.25
