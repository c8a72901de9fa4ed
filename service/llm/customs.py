"""What an endpoint takes: the structured-output mode and the parameters, learned by trying and remembered.

Comes in: an endpoint's refusals. Goes out: the request as this endpoint takes it. Endpoints differ in just these
ways and say so in no common manner, so they are tried, not assumed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import openai

from service.llm.failures import error_text, is_too_long
from service.verdict import ReplyShape

Mode = Literal["tools", "json_schema", "md_json"]

MODES: tuple[Mode, ...] = ("json_schema", "tools", "md_json")
"""The order in which `auto` tries: what constrains the model's decoding most comes first, plain JSON last."""

_REFUSALS = frozenset({400, 404, 405, 415, 422, 501})
_MODE_WORDS: dict[Mode, tuple[str, ...]] = {
    "tools": ("tool", "function"),
    "json_schema": (
        "response_format",
        "schema",
        "json_object",
        "structured output",
        "grammar",
        "guided",
        "'type' must",
    ),
    "md_json": (),
}


@dataclass
class Customs:
    """What is known of one model at one endpoint. Lives as long as the process and only ever learns."""

    mode: Mode | None = None
    refused_modes: set[Mode] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)

    def modes(self, wanted: str) -> tuple[Mode, ...]:
        """The modes to try, in order: the configured one alone, else the proven one, else those not yet refused."""
        if wanted != "auto":
            return tuple(mode for mode in MODES if mode == wanted)
        if self.mode is not None:
            return (self.mode,)
        return tuple(mode for mode in MODES if mode not in self.refused_modes) or MODES[-1:]

    def proven(self, mode: Mode) -> None:
        """Note that `mode` brought a readable reply."""
        if self.mode is None:
            self.mode = mode

    def refused(self, mode: Mode) -> None:
        """Note that `mode` is not taken."""
        self.refused_modes.add(mode)
        if self.mode == mode:
            self.mode = None

    def learn(self, error: openai.APIStatusError, sent: dict[str, Any]) -> bool:
        """Whether the refusal names a parameter that was sent and can be left out; then it is, from now on.

        Several calls may learn the same at the same time; each may send its request again.
        """
        if error.status_code not in _REFUSALS or is_too_long(error):
            return False
        words = error_text(error)
        for name in _EXCHANGEABLE:
            if name in sent and name in words:
                self.dropped.add(name)
                return True
        if "strict" in words and _has_strict(sent):
            self.dropped.add("strict")
            return True
        return False

    def refuses_mode(self, error: openai.APIStatusError, mode: Mode) -> bool:
        """Whether the refusal is about the structured output itself; some servers call that an internal error (500)."""
        if error.status_code not in _REFUSALS | {500} or is_too_long(error):
            return False
        words = error_text(error)
        return any(word in words for word in _MODE_WORDS[mode])


_EXCHANGEABLE = ("max_completion_tokens", "max_tokens", "temperature", "seed", "tool_choice")


def budget_parameter(customs: Customs, *, own_openai: bool) -> str | None:
    """The name under which the endpoint takes the output budget; None when it refused both.

    OpenAI's reasoning models know only the newer name; many other servers ignore it without a word.
    """
    names = ("max_completion_tokens", "max_tokens") if own_openai else ("max_tokens", "max_completion_tokens")
    return next((name for name in names if name not in customs.dropped), None)


def shaped(mode: Mode, shape: ReplyShape, customs: Customs) -> dict[str, Any]:
    """The request's part that asks for this shape in this mode, strict where the endpoint takes it.

    Plain JSON has no such part: there the schema stands in the prompt.
    """
    strict = {} if "strict" in customs.dropped else {"strict": True}
    if mode == "json_schema":
        described = {"name": shape.name, "schema": shape.schema, **strict}
        return {"response_format": {"type": "json_schema", "json_schema": described}}
    if mode == "tools":
        function = {"name": shape.name, "description": _TOOL, "parameters": shape.schema, **strict}
        chosen = {"tool_choice": {"type": "function", "function": {"name": shape.name}}}
        return {"tools": [{"type": "function", "function": function}]} | (
            {} if "tool_choice" in customs.dropped else chosen
        )
    return {}


_TOOL = "Hand in the form, every item answered once."


def _has_strict(sent: dict[str, Any]) -> bool:
    described = sent.get("response_format", {}).get("json_schema", {})
    return "strict" in described or any("strict" in tool["function"] for tool in sent.get("tools", ()))
