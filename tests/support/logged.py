# ruff: noqa: RUF001  # Turkish letters
"""Logs of scripted traffic, for replays: what happens in them is known."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

BEGIN_S = 1_700_006_400.0
DAY_S = 86400.0

PROMPTS = {
    "en": "Please explain to me how to plan a long weekend hike for a group of eight people.",
    "tr": "Sekiz kişilik bir grup için uzun bir hafta sonu yürüyüşünü nasıl planlamalıyım, anlatır mısın?",
}
REFUSALS = {
    "en": "I'm sorry, but I can't help with that request.",
    "tr": "Üzgünüm, bu konuda size yardımcı olamam.",
}
ANSWERS = {
    "en": "Sure. First, choose a circular route of ten to fifteen kilometres a day. Then book two huts, share the cooking "
    "gear among the eight, and check the forecast on the evening before. Start at seven.",
    "tr": "Elbette. Önce günde on ila on beş kilometrelik dairesel bir rota seçin. Sonra iki dağ evi ayırtın, mutfak "
    "malzemelerini sekiz kişiye bölün ve bir akşam önce hava durumuna bakın. Yedide başlayın.",
}


def log(
    conversations: int, days: float, refusal: Callable[[float, str, int], float], seed: int, users: int = 300
) -> Iterator[dict[str, Any]]:
    """Records by time. ``refusal(days since the beginning, language, turn)`` is the chance of a refusal in [0, 1].

    Users are Zipf-like; two fifths of the conversations are Turkish; one has 1 to 6 turns.
    """
    draw = random.Random(seed)
    records = []
    for number in range(conversations):
        language = "tr" if draw.random() < 0.4 else "en"
        user = int(users * draw.random() ** 2)
        at_s = draw.random() * days * DAY_S
        messages: list[dict[str, str]] = []
        for turn in range(1, draw.choice((1, 1, 2, 3, 6)) + 1):
            messages = [*messages, {"role": "user", "content": PROMPTS[language]}]
            refuses = draw.random() < refusal(at_s / DAY_S, language, turn)
            answer = (REFUSALS if refuses else ANSWERS)[language]
            choice = {"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}
            records.append(
                {
                    "timestamp": BEGIN_S + at_s,
                    "user": f"user {user}",
                    "conversation": f"conversation {number}",
                    "request": {"model": "m", "messages": messages},
                    "response": {"id": f"r{number}-{turn}", "model": "m", "choices": [choice]},
                }
            )
            messages = [*messages, choice["message"]]  # type: ignore[list-item]  # the message of a choice
            at_s += 20 + 100 * draw.random()
    return iter(sorted(records, key=lambda record: record["timestamp"]))


def lines(records: Iterator[dict[str, Any]]) -> str:
    """JSON, one a line."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
