"""One question as it is asked: everything drawn, nothing left open."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from sidecar.canary.conversation import Message, OfferedTool, Result, ToolCall, User
from sidecar.canary.expectation import Expect


@dataclass(frozen=True, slots=True)
class Case:
    """``variant`` tells members of a family apart: empty, ``twin``, ``direct``, ``anchor``, ``yes``, ``no``,
    ``depth=16``. ``pair`` joins those that are compared with each other. ``script`` is what is said;
    a User not followed by an Assistant is asked. ``results``: by tool, what its calls get back, in
    order. ``values``: the slots drawn. ``retired``: why it is not asked, or empty.
    """

    suite: str
    family: str
    variant: str
    language: str
    epoch: int
    index: int
    group: str
    kind: str
    expect: Expect
    script: tuple[Message, ...]
    attack: str = "none"
    domain: str = ""
    quadrant: str = ""
    severity: str = "medium"
    weight: float = 1.0
    public: bool = False
    frozen: bool = False
    translation: str = "source"
    shows: str = ""
    system: str = ""
    tools: tuple[OfferedTool, ...] = ()
    results: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    pages: dict[str, Any] = field(default_factory=dict)
    max_steps: int = 4
    max_tokens: int = 256
    repeats: int = 1
    values: dict[str, Any] = field(default_factory=dict)
    nonces: tuple[str, ...] = ()
    truth: Any = None
    wrapper: str = "plain"
    retired: str = ""

    @property
    def id(self) -> str:
        """Unique within an epoch; holds no text of a prompt."""
        variant = f"[{self.variant}]" if self.variant else ""
        return f"{self.suite}/{self.family}{variant}/{self.language}/{self.index}"

    @property
    def pair(self) -> str:
        """The same for all that share their draws."""
        return f"{self.suite}/{self.family}/{self.index}"

    @property
    def axis(self) -> str:
        """What varies between this one and its pair."""
        return self.variant.partition("=")[0]

    @property
    def prompt(self) -> str:
        """The text that is asked last."""
        return next((m.text for m in reversed(self.script) if isinstance(m, User)), "")

    @property
    def greedy(self) -> bool:
        """Whether it is asked without chance, whatever the deployment samples with: only then can answers be compared."""
        return self.group == "fingerprint"

    @property
    def needs_vision(self) -> bool:
        """Whether it shows an image."""
        return any(isinstance(message, User) and message.images for message in self.script)

    def simulated(self, call: ToolCall, earlier: int) -> Result:
        """What ``call`` gets back; ``earlier`` calls of this tool were made before it."""
        content: Any
        if self.kind == "browse_loop" and call.name == "open_page":
            address = str((call.arguments or {}).get("url", ""))
            content = self.pages.get(address, {"error": "page not found"})
        elif call.arguments is None:
            content = {"error": "arguments are no JSON object"}
        elif call.name in self.results:
            given = self.results[call.name]
            content = given[min(earlier, len(given) - 1)]
        elif any(tool.name == call.name for tool in self.tools):
            content = {"ok": True}
        else:
            content = {"error": "no such tool"}
        return Result(
            call.id, call.name, content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        )
