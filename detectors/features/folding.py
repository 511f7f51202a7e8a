# ruff: noqa: RUF002 - letters and signs that look like ASCII ones are meant here
"""One spelling for what people and models type in several.

Quotes, apostrophes, dashes and spaces become ASCII; letters are lower case and lose the
marks above and below them (U+0300 to U+036F), in Latin and Cyrillic alike: ``não``, ``nao``
and the decomposed ``não`` are one word, й is и. Scripts whose vowels are combining
marks (Devanagari, Thai, Arabic) keep them. Lone surrogates and control characters become
spaces. The folded text is usually as long as the text, but need not be.
"""

from __future__ import annotations

import re
import unicodedata

_UNREADABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060\ufeff\ud800-\udfff]")
_WITH_MARKS = (range(0xC0, 0x250), range(0x370, 0x530), range(0x1E00, 0x2000))
_BARE = {
    chr(code): bare
    for codes in _WITH_MARKS
    for code in codes
    if (bare := re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFD", chr(code)))) != chr(code)
}
_SPELLINGS = str.maketrans(
    {
        **_BARE,
        **dict.fromkeys(map(chr, range(0x300, 0x370)), ""),
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc\u02bb\uff07`\u00b4", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\u300c\u300d\u300e\u300f\uff02", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
        **dict.fromkeys("\u00a0\u2007\u2009\u202f\u3000", " "),
        "\u0131": "i",
        "\u0142": "l",
        "\u0111": "d",
        "\u00f8": "o",
        "\u00df": "ss",
        "\uff0c": ",",
    }
)
_SPELT = re.compile(f"[{''.join(map(chr, _SPELLINGS))}]")


def readable(text: str) -> str:
    """The same text with a space for every character that no reader sees.

    Zero-width characters count as unreadable too: they are used to break up words.
    """
    return _UNREADABLE.sub(lambda match: "" if match[0] in "\u200b\u200c\u200d\u2060\ufeff" else " ", text)


def fold(text: str) -> str:
    """Lower case, plain quotes, no diacritics. Any ``str`` is fine; one pass over it.

    >>> fold("I’m sorry — não posso")
    "i'm sorry - nao posso"
    """
    text = readable(text)
    if text.isascii():
        return text.lower().replace("`", "'")
    text = text.lower()
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    return text.translate(_SPELLINGS) if _SPELT.search(text) else text
