"""What an importer hands on: lines with the speaker labels of the document, before roles are decided.

Lives only between an importer and `assembly`, which turns it into a `Conversation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from service.conversation import Channel, QuotedSpan, Role
from service.ingest.document import Document
from service.ingest.limits import DEFAULT_LIMITS, IngestLimits


@dataclass(frozen=True, slots=True)
class Line:
    """One turn as read. `start` and `end` are seconds: offsets, or clock time since 1970 when beyond three years."""

    label: str
    text: str
    start: float | None = None
    end: float | None = None
    quoted: tuple[QuotedSpan, ...] | None = None


@dataclass(frozen=True, slots=True)
class Speaker:
    """One party. `role` is set only where the document itself states it; `aliases` are further keys of a role map."""

    label: str
    role: Role | None = None
    name: str | None = None
    aliases: tuple[str, ...] = ()
    role_source: str | None = None
    role_rule: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A document as its importer understood it."""

    lines: tuple[Line, ...]
    speakers: tuple[Speaker, ...] = ()
    id: str | None = None
    channel: Channel | None = None
    language: str | None = None
    started_at: datetime | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    verified: bool | None = None
    evaluated_agent: str | None = None
    told_apart_by_machine: bool = False
    """True where software, not people, decided who speaks: one single label then means that it failed."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the caller knows about the bytes."""

    roles: Mapping[str, Role] = field(default_factory=dict)
    limits: IngestLimits = DEFAULT_LIMITS
    channel: Channel | None = None
    language: str | None = None
    name: str | None = None
    vcon_key: str | None = None


class Importer(Protocol):
    """One outside format. `recognises` is a cheap, explicit rule; `read` refuses with the field that is wrong."""

    def recognises(self, document: Document) -> bool:
        """Whether the document is of this format."""

    def read(self, document: Document, context: Context) -> Reading:
        """The document's lines and speakers."""
