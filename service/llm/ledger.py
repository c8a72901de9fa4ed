"""What an attempt cost: tokens, money, time and outcome, as `Call` records, failed attempts included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.scorecard import Call
from service.settings import Price

_MILLION = 1_000_000


@dataclass(frozen=True)
class Tokens:
    """Token counts of one attempt; None where the endpoint did not say."""

    input: int | None = None
    cached: int | None = None
    output: int | None = None
    reasoning: int | None = None


def tokens_of(usage: Any) -> Tokens:
    """The counts in a completion's `usage`, whatever parts of it the endpoint sent."""
    return Tokens(
        input=_count(usage, "prompt_tokens"),
        cached=_count(getattr(usage, "prompt_tokens_details", None), "cached_tokens"),
        output=_count(usage, "completion_tokens"),
        reasoning=_count(getattr(usage, "completion_tokens_details", None), "reasoning_tokens"),
    )


def _count(part: Any, name: str) -> int | None:
    value = getattr(part, name, None)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def cost_of(tokens: Tokens, price: Price | None) -> float | None:
    """(input − cached) · input price + cached · cached price + output · output price, per million tokens.

    Reasoning tokens are part of the output count already. None without a price or without counts.
    """
    if price is None or tokens.input is None or tokens.output is None:
        return None
    cached = min(tokens.cached or 0, tokens.input)
    cached_price = price.input if price.cached_input is None else price.cached_input
    total = (tokens.input - cached) * price.input + cached * cached_price + tokens.output * price.output
    return total / _MILLION


@dataclass
class Ledger:
    """The attempts of one question, in order. Lives as long as the question."""

    purpose: str
    prices: Mapping[str, Price] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)

    def enter(self, *, outcome: str, latency: float, mode: str, asked: str, completion: Any = None) -> None:
        """Record one attempt. `completion` is what came back: a completion, anything else, or the error."""
        reported = getattr(completion, "model", None)
        reported = reported if isinstance(reported, str) else None
        tokens = tokens_of(getattr(completion, "usage", None))
        price = self.prices.get(asked) or self.prices.get(reported or "")
        request_id = getattr(completion, "_request_id", None) or getattr(completion, "request_id", None)
        self.calls.append(
            Call(
                purpose=self.purpose,
                attempt=len(self.calls) + 1,
                outcome=outcome,
                model_reported=reported,
                request_id=request_id if isinstance(request_id, str) else None,
                input_tokens=tokens.input,
                cached_tokens=tokens.cached,
                output_tokens=tokens.output,
                reasoning_tokens=tokens.reasoning,
                cost=cost_of(tokens, price),
                latency_seconds=round(latency, 6),
                mode=mode,
            )
        )

    def mark_last(self, outcome: str) -> None:
        """The last attempt turned out otherwise, once its reply was read."""
        if self.calls:
            self.calls[-1] = self.calls[-1].model_copy(update={"outcome": outcome})
