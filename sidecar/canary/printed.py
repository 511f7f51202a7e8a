"""Prompts as lines a person can read, and the hash by which an epoch is committed to before it is asked.

The hash is that of what ``kilter canary render`` prints, so that anyone with the secret can check it afterwards.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sidecar.canary.case import Case
from sidecar.canary.conversation import Message, Result, User
from sidecar.canary.generate import render
from sidecar.canary.loading import LoadedSuite


def commitment(suite: LoadedSuite, secret: bytes, epoch: int, draw: int) -> str:
    """SHA-256 of ``kilter canary render --suite SUITE --epoch EPOCH --draw DRAW``, as hex."""
    cases = render(suite, secret, epoch, frozen=False, shift=draw)
    return hashlib.sha256("".join(f"{text}\n" for text in lines(cases)).encode()).hexdigest()


def lines(cases: Iterable[Case]) -> Iterator[str]:
    """A line of JSON a case, without those that the secret holds back."""
    for case in shown(cases):
        yield json.dumps(document(case), ensure_ascii=False)


def shown(cases: Iterable[Case]) -> Iterator[Case]:
    """The cases that are not held back."""
    return (case for case in cases if case.retired != "held_out")


def document(case: Case) -> dict[str, Any]:
    """Everything of a case that is sent."""
    return {
        "id": case.id,
        "suite": case.suite,
        "family": case.family,
        "variant": case.variant,
        "group": case.group,
        "kind": case.kind,
        "language": case.language,
        "translation": case.translation,
        "epoch": case.epoch,
        "index": case.index,
        "wrapper": case.wrapper,
        "system": case.system,
        "messages": [_message(message) for message in case.script],
        "prompt": case.prompt,
        "tools": [tool.name for tool in case.tools],
        "truth": case.truth,
    }


def _message(message: Message) -> dict[str, Any]:
    if isinstance(message, User):
        told: dict[str, Any] = {"role": "user", "content": message.text}
        return {**told, "images": [Path(image).name for image in message.images]} if message.images else told
    if isinstance(message, Result):
        return {"role": "tool", "name": message.name, "content": message.content}
    calls = [{"name": call.name, "arguments": call.arguments} for call in message.calls]
    return {"role": "assistant", "content": message.text, **({"tool_calls": calls} if calls else {})}
