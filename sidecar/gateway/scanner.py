r"""What a request's body says about its conversation, found without building a JSON tree.

Rules of this file: any bytes come in, nothing is raised, time is linear in what is looked
at, at most 64 KiB and 512 values one by one. System and developer prompts, tools and
everything else of no interest are stepped over whole by one compiled expression, so a
"model" inside a message or a tool schema is never taken for the request's own.

How: an object is read member by member: a key, then its value. The value of a key that
matters is looked into, every other is stepped over. Repeats are possessive (``*+``): once
matched they give nothing back, which is what keeps hostile input linear. Past the limits,
past ``_LEVELS`` of nesting, or where the bytes stop being JSON, scanning stops and what was
found until then stands. Keys written with escapes (``"mod\u0065l"``) are not recognised;
of a key sent twice the last counts, as for most parsers.

Most bodies are alike, ``{..., "messages": [system prompts, {"role": "user", "content": "..."}...``,
and one expression reads them at a tenth of the cost. It is taken only where it must agree with
the walk: where nothing else of interest stands before the message, and nothing that may be of
interest after it.

The first human message is looked for where the wire formats put it:

    messages         OpenAI chat, Anthropic, Ollama, Bedrock: first item of role user with text
    input            OpenAI Responses: a string, or items as above
    contents         Gemini: items as above, role user or none, text in ``parts``
    prompt, inputs   completions, Ollama and TGI generate: a string, or the first of several
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

SCAN_BYTES = 64 << 10
MESSAGE_BYTES = 32 << 10

_REMEMBERED_BYTES = 2 << 10
_NO_BEGINNING = b"\0"
"""No body of JSON begins so."""

_STEPS = 512
_LEVELS = 40
# A string. Most hold no backslash before their closing quote: one search finds it.
_STRING = rb'"(?:[^"]*+(?<!\\)"|[^"\\]*+(?:\\.[^"\\]*+)*+")'
_GAP = rb'[^"\[\]{}]*+'


def _container(levels: int) -> bytes:
    """An array or object that holds containers of fewer levels. Kinds of brackets are not told apart."""
    inside = _STRING + _GAP
    for _ in range(levels):
        inside = _STRING + _GAP + rb"|[\[{]" + _GAP + rb"(?:" + inside + rb")*+[\]}]" + _GAP
    return rb"[\[{]" + _GAP + rb"(?:" + inside + rb")*+[\]}]"


_VALUE = re.compile(_STRING + rb"|" + _container(_LEVELS) + rb'|[^\s,\[\]{}"]++', re.DOTALL)
_OBJECT = re.compile(rb"\s*+\{")
_ARRAY = re.compile(rb"\s*+\[")
_KEY = re.compile(rb"[\s,]*+(" + _STRING + rb")\s*+:\s*+(?=.)", re.DOTALL)
_ITEM = re.compile(rb"[\s,]*+(?=[^\s,\]])")

_IDENTIFIERS = frozenset(
    (b'"model"', b'"safety_identifier"', b'"user"', b'"conversation"', b'"session_id"', b'"previous_response_id"')
)
_TEXTS = frozenset((b'"messages"', b'"input"', b'"contents"', b'"prompt"', b'"inputs"'))

_INSIDE = rb'[^"\\]*+(?:\\.[^"\\]*+)*+'
_OTHERS = rb"safety_identifier|user|metadata|conversation|session_id|previous_response_id"
_ALIKE = re.compile(
    rb"\s*+\{"
    rb'(?:[\s,]*+(?:"model"\s*+:\s*+"(' + _INSIDE + rb')"'
    rb'|(?!"(?:model|messages|input|contents|prompt|inputs|' + _OTHERS + rb')")"' + _INSIDE + rb'"\s*+:\s*+'
    rb"(?:" + _VALUE.pattern + rb"))){0,40}+"
    rb'[\s,]*+"messages"\s*+:\s*+\['
    rb'(?:[\s,]*+\{\s*+"role"\s*+:\s*+"(?:system|developer)"\s*+,\s*+"content"\s*+:\s*+'
    rb"(?:" + _VALUE.pattern + rb")\s*+\}){0,8}+"
    rb'[\s,]*+\{\s*+"role"\s*+:\s*+"user"\s*+,\s*+"content"\s*+:\s*+"',
    re.DOTALL,
)
_TEXT = re.compile(_INSIDE, re.DOTALL)
_CLOSED = re.compile(rb'"\s*+\}')
_MORE = re.compile(rb'"(?:model|' + _OTHERS + rb')"\s*+:')


class Scan(NamedTuple):
    """Each field is the inside of a JSON string as sent, escapes and all; None: not found or empty.

    ``user`` is safety_identifier, else user, else metadata.user_id. ``conversation`` is
    conversation (or its id), else session_id. ``first_message`` joins the text parts of the
    first human message with nothing, its first 32 KiB: a message that the limit cuts reads
    the same in every later request of its conversation.
    """

    model: bytes | None = None
    user: bytes | None = None
    conversation: bytes | None = None
    previous_response: bytes | None = None
    first_message: bytes | None = None

    @property
    def found(self) -> bool:
        """Whether the body says anything by which its conversation can be recognised."""
        return (self.first_message or self.conversation or self.previous_response) is not None


class Scanner:
    """Reads bodies that tend to begin alike: up to their first message, those of an application are often the same.

    Where the beginning is the last one's, byte for byte, it is not read again. Up to 2 KiB are remembered.
    """

    __slots__ = ("_beginning", "_model")

    def __init__(self) -> None:
        self._beginning = _NO_BEGINNING
        self._model: bytes | None = None

    def scan(self, body: bytes) -> Scan:
        """Looks at the first 64 KiB of ``body``. Never raises."""
        body = body[:SCAN_BYTES]
        return self.alike(body) or _walked(body)

    def alike(self, body: bytes) -> Scan | None:
        """What ``_walked`` says of ``body``, where the one expression can tell."""
        if body.startswith(self._beginning):
            start, model = len(self._beginning), self._model
        else:
            opened = _ALIKE.match(body)
            if opened is None:
                return None
            start, model = opened.end(), opened[1] or None
            if start <= _REMEMBERED_BYTES:
                self._beginning, self._model = body[:start], model
        end = body.find(b'"', start)  # ten times as fast as an expression, if no escape comes before it
        if body.find(b"\\", start, end) >= 0:
            end = _TEXT.match(body, start).end()  # type: ignore[union-attr]  # it matches the empty text, too
        if end <= start or _CLOSED.match(body, end) is None or _MORE.search(body, end) is not None:
            return None
        return Scan(model, None, None, None, body[start : min(end, start + MESSAGE_BYTES)])


def scan(body: bytes) -> Scan:
    """``Scanner.scan`` for one body alone.

    >>> scan(b'{"model": "m", "messages": [{"role": "user", "content": "hi"}], "user": "u1"}')
    Scan(model=b'm', user=b'u1', conversation=None, previous_response=None, first_message=b'hi')
    """
    return Scanner().scan(body)


def _walked(body: bytes) -> Scan:
    walk = _Walk(body)
    found: dict[bytes, bytes | None] = {}
    first_message = None
    for key, start in walk.members(0):
        if key in _IDENTIFIERS:
            found[key] = walk.member_string(start, b'"id"') if key == b'"conversation"' else walk.string(start)
        elif key == b'"metadata"':
            found[key] = walk.member_string(start, b'"user_id"')
        elif key in _TEXTS and first_message is None:
            first_message = walk.first_message(start, role_optional=key == b'"contents"')
    return Scan(
        model=found.get(b'"model"'),
        user=found.get(b'"safety_identifier"') or found.get(b'"user"') or found.get(b'"metadata"'),
        conversation=found.get(b'"conversation"') or found.get(b'"session_id"'),
        previous_response=found.get(b'"previous_response_id"'),
        first_message=first_message,
    )


class _Walk:
    """One pass over ``body``. Positions are offsets into it; a value is named by its first byte's."""

    __slots__ = ("body", "steps")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.steps = _STEPS

    def members(self, at: int) -> Iterator[tuple[bytes, int]]:
        """(key with its quotes, position of its value) of the object at ``at``; nothing if it is none."""
        opened = _OBJECT.match(self.body, at)
        key = opened and _KEY.match(self.body, opened.end())
        while key and self.steps:
            self.steps -= 1
            yield key[1], key.end()
            value = _VALUE.match(self.body, key.end())
            key = value and _KEY.match(self.body, value.end())

    def items(self, at: int) -> Iterator[int]:
        """Positions of the values of the array at ``at``; nothing if it is none."""
        opened = _ARRAY.match(self.body, at)
        item = opened and _ITEM.match(self.body, opened.end())
        while item and self.steps:
            self.steps -= 1
            yield item.end()
            value = _VALUE.match(self.body, item.end())
            item = value and _ITEM.match(self.body, value.end())

    def string(self, at: int) -> bytes | None:
        """The inside of the string at ``at``, to the end of the body if it is cut; None if it is none or empty."""
        if not self.body.startswith(b'"', at):
            return None
        value = _VALUE.match(self.body, at)
        return self.body[at + 1 : value.end() - 1 if value else None] or None

    def member_string(self, at: int, name: bytes) -> bytes | None:
        """The string at ``at``, or that of member ``name`` of the object at ``at``."""
        strings = [self.string(start) for key, start in self.members(at) if key == name]
        return strings[-1] if strings else self.string(at)

    def first_message(self, at: int, *, role_optional: bool) -> bytes | None:
        """Text of the first human message of the value at ``at``: a string, strings, or messages."""
        text = self.string(at)
        if text is None:
            for start in self.items(at):
                text = self.string(start) or self._human_text(start, role_optional=role_optional)
                if text is not None:
                    break
        return text and text[:MESSAGE_BYTES]

    def _human_text(self, at: int, *, role_optional: bool) -> bytes | None:
        human = role_optional
        text: bytes | None = None
        for key, start in self.members(at):
            if key == b'"role"':
                human = self.string(start) == b"user"
                if not human:
                    return None
            elif key in (b'"content"', b'"parts"'):
                text = self.string(start) or self._parts_text(start)
        return text if human else None

    def _parts_text(self, at: int) -> bytes | None:
        texts = [
            self.string(start) or b""
            for part in self.items(at)
            for key, start in self.members(part)
            if key == b'"text"'
        ]
        return b"".join(texts) or None
