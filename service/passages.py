"""What a cue found, as values: places, passages, windows over the conversation, findings.

Everything here is computed elsewhere; nothing here does more than compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from service.grounding import MatchKind

Side = Literal["evaluated_agent", "contact"]
"""Whose words count as the agent's: those of the agents under evaluation, or of everybody who served."""


class Place(NamedTuple):
    """A point between characters of the conversation; places compare in reading order."""

    turn: int
    at: int


START, END = Place(-1, -1), Place(1 << 60, 0)


class Passage(NamedTuple):
    """Characters [start, end) of a turn that a cue took as proof, and how well they fit, 0 to 1."""

    turn: int
    start: int
    end: int
    fit: float
    match: MatchKind = "exact"

    @property
    def place(self) -> Place:
        """Where the passage begins."""
        return Place(self.turn, self.start)


class Window(NamedTuple):
    """Passages count between `low` and `high`, both excluded."""

    low: Place = START
    high: Place = END

    def holds(self, passage: Passage) -> bool:
        """Whether the passage begins inside."""
        return self.low < passage.place < self.high

    def turns(self, turns: Sequence[int]) -> Sequence[int]:
        """Those of the ascending turns that reach into the window."""
        return [turn for turn in turns if self.low.turn <= turn <= self.high.turn]


EVERYWHERE = Window()


class Finding(NamedTuple):
    """Whether a cue holds, on which passages. `holds` None: it could not be evaluated."""

    holds: bool | None
    passages: tuple[Passage, ...] = ()


class Absence(NamedTuple):
    """Where a cue was looked for, and what came close."""

    turns: set[int]
    nearest: dict[Passage, None]


@dataclass
class LeafFinding:
    """Everything that one leaf found, wherever it stands; windows are cut out of it later."""

    passages: list[Passage]
    misses: list[Passage]
    turns: Sequence[int]
    broken: bool = False
