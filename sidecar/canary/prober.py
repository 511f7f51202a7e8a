"""Asks a case: its turns, its tools with simulated results, within the budget, after the users.

Rules of this file
* Before every request its worst cost is taken from the day's budget; where it does not fit the
  case is skipped. A server that counts more than a question can hold (a prompt of its own, or
  ``max_tokens`` not heeded) is charged that much more from its first such answer on.
* While users are served (``Load``), or the minute's budget is spent, each request waits, up to ``patience_s``.
* After ``breaker`` errors in a row the rest is skipped, for ``rest_s`` at least: a server in trouble is not asked on.
* Tools run nowhere: their results are the suite's own words.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from sidecar.canary.asking import Asker, most_tokens
from sidecar.canary.case import Case
from sidecar.canary.conversation import Assistant, Message, Reply, Transcript, User
from sidecar.canary.expect import Opinions, Verdict, decide
from sidecar.canary.load import Load, NoLoad
from sidecar.canary.mirror import Sampling
from sidecar.canary.results import Results
from sidecar.canary.schedule import Breaker, Minute

_POLL_S = 1.0


class Judging(Protocol):
    """A judge model, where there is one."""

    async def opinions(self, questions: tuple[str, ...], case: Case, reply: str) -> Opinions:
        """Its answers, 0 … 1; without those it could not give."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A case asked once. ``tokens``: as the server counted, else the worst case. ``transcript`` is None where skipped.
    ``model`` and ``fingerprint``: what the server says has answered, empty where it says nothing; ``generation``: how often
    that has changed silently, where it is watched. ``sampling``: how it was asked, where it was.
    """

    case: Case
    repeat: int
    verdict: Verdict
    at_s: float
    tokens: int = 0
    transcript: Transcript | None = None
    model: str = ""
    fingerprint: str = ""
    generation: int = 0
    sampling: Sampling | None = None

    @property
    def latency_s(self) -> float:
        """Of all replies together."""
        return sum(reply.latency_s for reply in self.transcript.replies) if self.transcript else 0.0


class NotNowError(Exception):
    """The next request must not be sent. ``decided_by`` and ``reason`` as in a Verdict."""

    def __init__(self, decided_by: str, reason: str) -> None:
        super().__init__(reason)
        self.decided_by = decided_by
        self.reason = reason


class Prober:
    """``budget``: tokens a day (UTC), over all processes that share ``results``; ``minute``: what any 60 seconds may cost.
    ``now``: Unix seconds; ``clock``: seconds that never jump, those of ``sleep``. One case is asked at a time.
    """

    def __init__(
        self,
        asker: Asker,
        results: Results,
        *,
        budget: int,
        now: Callable[[], float],
        load: Load | None = None,
        judge: Judging | None = None,
        breaker: int = 5,
        rest_s: float = float("inf"),
        patience_s: float = 300.0,
        minute: Minute | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._asker = asker
        self._results = results
        self._budget = budget
        self._now = now
        self._load = load or NoLoad()
        self._judge = judge
        self._breaker = Breaker(breaker, rest_s)
        self._patience_s = patience_s
        self._minute = minute
        self._clock = clock
        self._sleep = sleep
        self._surplus = 0

    @property
    def resting(self) -> bool:
        """Whether the server is left alone after errors."""
        return self._breaker.open(self._clock())

    async def probe(self, case: Case, repeat: int = 0, sampling: Sampling | None = None) -> Probe:
        """Asks ``case`` and judges what came. ``sampling``: as another time, instead of as the deployment samples now."""
        if reason := self._left_out(case):
            return self._skipped(case, repeat, reason)
        if sampling is None:
            sampling = self._asker.sampled(greedy=case.greedy)
        conversation = _Conversation(self, case, sampling)
        try:
            transcript = await conversation.run()
        except NotNowError as error:
            # What was already said stays paid for; half a conversation is not judged.
            verdict = Verdict("skipped", error.decided_by, error.reason)
            return Probe(case, repeat, verdict, self._now(), conversation.tokens)
        except OSError:
            return self._skipped(case, repeat, "image cannot be read")
        verdict = decide(case, transcript)
        if verdict.wants and self._judge:
            opinions = await self._judge.opinions(verdict.wants, case, transcript.last.text)
            verdict = decide(case, transcript, opinions)
        if verdict.outcome == "error":
            self._breaker.failed(self._clock())
        else:
            self._breaker.worked()
        last = transcript.last
        return Probe(
            case,
            repeat,
            verdict,
            self._now(),
            conversation.tokens,
            transcript,
            last.model,
            last.fingerprint,
            sampling=sampling,
        )

    def _left_out(self, case: Case) -> str:
        if case.retired:
            return case.retired
        if case.needs_vision and not self._asker.endpoint.vision:
            return "no vision"
        return "circuit_open" if self.resting else ""

    def _skipped(self, case: Case, repeat: int, reason: str) -> Probe:
        return Probe(case, repeat, Verdict("skipped", "not_asked", reason), self._now())

    async def _clear(self, worst: int) -> None:
        """Waits for users and for the minute's budget. NotNowError where that takes too long."""
        waited = 0.0
        while True:
            if await self._load.busy():
                wait, why = _POLL_S, ("load", "busy")
            else:
                wait = self._minute.wait_s(worst, self._clock()) if self._minute else 0.0
                why = ("budget", "the minute's budget is spent")
            if not wait:
                return
            if waited + wait > self._patience_s:
                raise NotNowError(*why)
            await self._sleep(wait)
            waited += wait

    async def ask(self, case: Case, messages: list[Message], sampling: Sampling) -> tuple[Reply, int]:
        """One request within the budget, after the users, and what it cost. NotNowError where it was not sent."""
        question = self._asker.question(case.system, messages, case.tools, case.max_tokens, sampling)
        worst = most_tokens(self._asker.endpoint.target, question) + self._surplus
        await self._clear(worst)
        day = datetime.fromtimestamp(self._now(), UTC).date().isoformat()
        if not self._results.reserve(day, worst, self._budget):
            raise NotNowError("budget", "the day's budget is spent")
        used = worst
        try:
            reply = await self._asker.ask(question)
            if reply.input_tokens is not None and reply.output_tokens is not None:
                used = reply.input_tokens + reply.output_tokens
                self._surplus += max(used - worst, 0)
            elif reply.error == "connect":
                used = 0  # nothing reached the server
        finally:
            self._results.settle(day, worst, used)
            if self._minute:
                self._minute.charge(used, self._clock())
        return reply, used


class _Conversation:
    def __init__(self, prober: Prober, case: Case, sampling: Sampling) -> None:
        self._prober = prober
        self._sampling = sampling
        self._case = case
        self._messages: list[Message] = []
        self._replies: list[Reply] = []
        self._called: Counter[str] = Counter()
        self.tokens = 0

    async def run(self) -> Transcript:
        """Every turn of the script; stops at the first error."""
        script = self._case.script
        finished = True
        for at, message in enumerate(script):
            self._messages.append(message)
            follower = script[at + 1] if at + 1 < len(script) else None
            if isinstance(message, User) and not isinstance(follower, Assistant):
                finished = await self._answered()
                if self._replies[-1].error:
                    return Transcript(tuple(self._replies), "error")
        return Transcript(tuple(self._replies), "answered" if finished else "steps", messages=tuple(self._messages))

    async def _answered(self) -> bool:
        """Asks until the model calls no more tools; False where it still does after ``max_steps``."""
        for _ in range(self._case.max_steps if self._case.tools else 1):
            reply, used = await self._prober.ask(self._case, self._messages, self._sampling)
            self.tokens += used
            self._replies.append(reply)
            if reply.error:
                return False
            self._messages.append(Assistant(reply.text, reply.calls))
            if not reply.calls:
                return True
            for call in reply.calls:
                self._messages.append(self._case.simulated(call, self._called[call.name]))
                self._called[call.name] += 1
        return False
