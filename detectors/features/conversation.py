"""Refused, then complied: what became of a conversation's next answer after a refusal.

Rules of this file
* Only the answer just before counts: "refused at some time, complied at some time" grows with the
  length of a conversation and says little.
* Conversations whose key is a guess share nothing; they have no id here and are not followed.
* Memory is bounded: the conversations seen last, forgotten after a while.
"""

from __future__ import annotations

from collections import OrderedDict

from detectors.records.features import Label

_READABLE: frozenset[Label] = frozenset({"refusal", "hollow_refusal", "compliance"})


class Conversations:
    """Remembers the last label of at most ``conversations``, for ``forget_after_s`` seconds each."""

    def __init__(self, *, conversations: int = 50_000, forget_after_s: float = 3600.0) -> None:
        if conversations < 1 or forget_after_s <= 0:
            raise ValueError(f"need conversations >= 1 and forget_after_s > 0, got {conversations}, {forget_after_s}")
        self._last: OrderedDict[str, tuple[Label, float]] = OrderedDict()
        self._most, self._forget_after_s = conversations, forget_after_s

    def __len__(self) -> int:
        """Conversations in memory."""
        return len(self._last)

    def complied_after_refusal(self, conversation: str, label: Label, at_s: float) -> bool | None:
        """Whether this answer gave what the last one refused; None where the last one did not refuse,
        is not known, or this one cannot be read.
        """
        if not conversation or label not in _READABLE:
            return None
        before, seen_at_s = self._last.pop(conversation, (None, at_s))
        self._last[conversation] = label, at_s
        if len(self._last) > self._most:
            self._last.popitem(last=False)
        if before != "refusal" or at_s - seen_at_s > self._forget_after_s:
            return None
        return label != "refusal"
