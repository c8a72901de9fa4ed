"""Who said what, verbatim, with times.

Comes in: what an importer read. Goes out: a `Conversation` whose turn texts are exactly the caller's, so that
every offset computed from it is true in the caller's own data. This module knows nothing of rubrics or models,
and cleans nothing.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from service.value import Value, digest_of

Role = Literal["agent", "customer", "bot", "system"]
Channel = Literal["voice", "chat", "email", "social"]
RoleSource = Literal["given", "mapped", "inferred"]


class Participant(Value):
    """One party of a conversation. Several agents in one contact are normal: transfers.

    `name` serves the reader of a scorecard; it never goes into a prompt.
    """

    id: Annotated[str, Field(min_length=1, max_length=200)]
    role: Role
    name: str | None = None
    role_source: RoleSource = "given"
    role_rule: str | None = Field(default=None, description="The explicit rule by which an inferred role was found.")


class QuotedSpan(Value):
    """Characters [start, end) of a turn that repeat somebody else's words, as a mail program quotes history.

    They stay in the text, for offsets must be true, but they are not what this participant said: no evidence
    and no cue may rest on them.
    """

    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(gt=0)]


class Turn(Value):
    """One uninterrupted contribution. `start` and `end` are seconds from the start of the conversation."""

    participant: str
    text: str
    start: Annotated[float, Field(ge=0)] | None = None
    end: Annotated[float, Field(ge=0)] | None = None
    quoted: tuple[QuotedSpan, ...] = ()

    @model_validator(mode="after")
    def _quoted_spans_lie_in_the_text(self) -> Self:
        for span in self.quoted:
            if not span.start < span.end <= len(self.text):
                raise ValueError(
                    f"quoted span {span.start}-{span.end} is outside the text of {len(self.text)} characters"
                )
        return self


class Source(Value):
    """Where the conversation came from, and what its importer had to decide."""

    format: str = "native"
    verified: bool | None = Field(
        default=None,
        description="Of a signed container: true when checked against a key, false when read unchecked.",
    )
    notes: tuple[str, ...] = ()


class Conversation(Value):
    """One contact, from greeting to goodbye. Immutable; its digest names its content."""

    id: Annotated[str, Field(min_length=1, max_length=200)]
    channel: Channel
    language: str | None = Field(default=None, description="BCP 47 tag such as en, es-MX or fa; null when unknown.")
    started_at: datetime | None = None
    participants: tuple[Participant, ...]
    turns: Annotated[tuple[Turn, ...], Field(min_length=1)]
    metadata: dict[str, Any] = Field(default_factory=dict)
    evaluated_agent: str | None = Field(
        default=None,
        description="Participant id of the agent whose work is scored; null means every agent of the contact.",
    )
    source: Source = Source()

    @model_validator(mode="after")
    def _participants_are_known(self) -> Self:
        known = {p.id: p for p in self.participants}
        if len(known) != len(self.participants):
            raise ValueError("participants: two participants share an id; give each its own")
        for index, turn in enumerate(self.turns):
            if turn.participant not in known:
                raise ValueError(f"turns[{index}].participant: {turn.participant!r} is not among the participants")
        if self.evaluated_agent is not None:
            agent = known.get(self.evaluated_agent)
            if agent is None or agent.role not in ("agent", "bot"):
                raise ValueError(
                    f"evaluated_agent: {self.evaluated_agent!r} is not an agent or bot of this conversation"
                )
        return self

    @cached_property
    def roles(self) -> dict[str, Role]:
        """Participant id → role."""
        return {p.id: p.role for p in self.participants}

    def role_of(self, turn: int) -> Role:
        """The role of the participant who speaks in turn `turn`."""
        return self.roles[self.turns[turn].participant]

    @cached_property
    def agents(self) -> tuple[str, ...]:
        """Ids of the agents under evaluation: the one that was named, else every agent, else every bot."""
        if self.evaluated_agent is not None:
            return (self.evaluated_agent,)
        humans = tuple(p.id for p in self.participants if p.role == "agent")
        return humans or tuple(p.id for p in self.participants if p.role == "bot")

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON of the whole conversation."""
        return digest_of(self)
