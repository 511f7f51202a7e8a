"""What can be told of an exchange only by those before it: attempts, reversals, new transitions.

``extract`` reads one exchange and forgets it. A ``Memory`` adds what it remembers, in the order in
which exchanges arrive; its clock is theirs.
"""

from __future__ import annotations

import dataclasses

from detectors.features.conversation import Conversations
from detectors.features.similarity import RepeatedInputs
from detectors.features.transitions import SeenTransitions, loops, transitions
from detectors.records.exchange import Exchange
from detectors.records.features import Features


class Memory:
    """One for a monitor. ``seed`` keys the signatures of inputs."""

    def __init__(self, seed: int) -> None:
        self._inputs = RepeatedInputs(seed)
        self._conversations = Conversations()
        self._transitions = SeenTransitions()

    def remember(self, exchange: Exchange, features: Features) -> Features:
        """``features`` with what came before; never raises. An exchange without a judgement (an error) is none."""
        if not features.judgements:
            return features
        label = features.judgements[0].label
        model = exchange.response_model or exchange.request_model or ""
        new = [step for step in transitions(exchange) if self._transitions.first_seen(model, step)]
        attempt, returning = None, False
        # Every step of a chain of tools repeats what the human said; only the first one is an attempt.
        asked = features.tool_state not in ("after_result", "after_error")
        if exchange.user_key is not None and asked and label in ("refusal", "hollow_refusal", "compliance"):
            returning = self._inputs.knows(exchange.user_key, exchange.started_at_s)
            attempt = self._inputs.attempt(
                exchange.user_key, _asked(exchange), exchange.started_at_s, refused=label == "refusal"
            )
        return dataclasses.replace(
            features,
            attempt=attempt.number if attempt else None,
            refused_before=attempt is not None and attempt.all_refused,
            returning=returning and attempt is not None,
            complied_after_refusal=self._conversations.complied_after_refusal(
                exchange.conversation_id, label, exchange.started_at_s
            ),
            first_seen_transitions=tuple(f"{source}>{target}" for source, target in new)
            if exchange.tools_offered
            else (),
            tool_loop=loops(exchange),
        )


def _asked(exchange: Exchange) -> str:
    """The last thing a human wrote: "yes, go on" is no new attempt, and no old one either."""
    return next((m.text for m in reversed(exchange.input_messages) if m.role == "user" and m.text), "")
