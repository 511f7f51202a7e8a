"""The ``canary`` section: what is asked of the model, how often, and for how many tokens.

Rules of this file
* Off until an operator turns it on, with a key file of its own and a budget: probes cost money, and
  adversarial ones at a vendor may breach its terms.
* The key itself is never in the configuration, only the file that holds it.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from sidecar.canary.targets.base import targets
from sidecar.config_section import HeaderName, Seconds, Section

_URL = re.compile(r"https?://[^/\s]+\S*")


def _api(text: str) -> str:
    if text not in targets():
        raise ValueError(f"need one of {', '.join(sorted(targets()))}")
    return text


def _address(text: str) -> str:
    if text and not _URL.fullmatch(text):
        raise ValueError("need http://HOST[:PORT][/path] or https://…")
    return text


ApiName = Annotated[str, AfterValidator(_api)]
WebAddress = Annotated[str, AfterValidator(_address)]


class Judge(Section):
    """A judge model for what the rules leave open. Never the model under test. Its own tokens are not budgeted."""

    url: WebAddress = Field("", description="An OpenAI-compatible server; empty: no judge.")
    model: str = Field("", description="The judge's name there.")
    key_file: str = Field("", description="File with the judge's own key.")


class Canary(Section):
    """Questions of Kilter's own to the model, past the gateway."""

    enabled: bool = Field(
        default=False,
        description="Ask the upstream questions of Kilter's own, at random moments. See its README first.",
    )
    key_file: str = Field(
        "", description="File with the canaries' own key, needed; an empty file where the server asks for none."
    )
    tokens_a_day: int = Field(0, ge=0, description="Most tokens a day (UTC), needed; shared with `kilter canary run`.")
    tokens_a_minute: int = Field(6000, ge=1, description="Most tokens in any 60 seconds.")
    interval_s: Seconds = Field(300.0, description="Mean time between two canaries; they come at random.")
    api: ApiName = Field("openai.chat", description="What the upstream speaks: " + ", ".join(sorted(targets())) + ".")
    model: str = Field("", description="Model to ask; empty: the first that the server lists.")
    digest: str = Field(
        "",
        description="Of the deployed weights, as the deployment knows it; another one at a start is a declared change.",
    )
    suites: str = Field("", description="Directory of further suite files, read again when they change.")
    only: tuple[str, ...] = Field((), description="Suites that are asked, by name; empty: all.")
    secret_file: str = Field("", description="Rotation secret as hex; empty: the one in the state directory.")
    system_file: str = Field("", description="The deployment's system prompt, put before each suite's own.")
    sampling: Literal["fixed", "mirror"] = Field(
        "fixed",
        description="`fixed`: the two below; `mirror`: as users send it to that model, once fifty of their requests were seen.",
    )
    temperature: float = Field(0.0, ge=0, le=2, description="Sampling, as deployed.")
    top_p: float = Field(1.0, gt=0, le=1, description="Sampling, as deployed; 1: not sent.")
    headers: dict[HeaderName, str] = Field(
        default_factory=dict, description="Sent with each canary, for billing filters."
    )
    vision: bool = Field(default=False, description="The model reads images; else prompts with images are left out.")
    timeout_s: Seconds = Field(120.0, description="For one reply.")
    patience_s: Seconds = Field(300.0, description="A canary waits this long while users are served, then is left out.")
    max_inflight: int = Field(4, ge=0, description="More requests of users in flight: canaries wait.")
    max_first_chunk_s: float = Field(
        0.0,
        ge=0,
        description="Users' 95th percentile of time to first chunk above it: canaries wait; 0: not looked at.",
    )
    queue_url: WebAddress = Field(
        "",
        description="The model server's own `/metrics` (vLLM, SGLang, TGI, llama.cpp): while it queues, canaries wait.",
    )
    breaker_errors: int = Field(
        5, ge=1, description="Errors in a row after which the server is left alone for a while."
    )
    breaker_rest_s: Seconds = Field(300.0, description="That while; doubled each time, up to a day.")
    window_days: int = Field(7, ge=1, le=90, description="Metrics cover this many days up to now.")
    judge: Judge = Field(default_factory=Judge)

    @model_validator(mode="after")
    def _whole(self) -> Canary:
        if self.enabled and not self.key_file:
            raise ValueError("enabled needs key_file: a key of its own (an empty file where the server asks for none)")
        if self.enabled and not self.tokens_a_day:
            raise ValueError("enabled needs tokens_a_day: the most that canaries may cost")
        return self
