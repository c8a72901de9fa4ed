"""Findings on regular expressions: those that do not compile, run away, or match everything."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import NamedTuple

import regex

from service.cue_rules import Pattern
from service.lint.finding import Check, Finding, cue_parts, cues_of, found
from service.rubric import Rubric


def _check_patterns(rubric: Rubric) -> Iterator[Finding]:
    for place, cue in cues_of(rubric):
        for path, part in cue_parts(place, cue):
            if isinstance(part, Pattern):
                for index, pattern in enumerate(part.pattern):
                    yield from _check_pattern(f"{path}.pattern[{index}]", pattern)


def _check_pattern(path: str, pattern: str) -> Iterator[Finding]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = regex.compile(pattern, regex.IGNORECASE)
    except (regex.error, ValueError, RecursionError) as error:
        yield found("pattern-invalid", path, f"The pattern is not valid: {error}.", "Correct the regular expression.")
        return
    if _backtracks(pattern):
        yield found(
            "pattern-backtracks",
            path,
            "The pattern repeats something that itself repeats; on long turns it can run into its time limit.",
            "Remove the outer or the inner repetition, as (a+)+ can be written a+.",
        )
    elif compiled.match(""):
        yield found(
            "pattern-matches-nothing",
            path,
            "The pattern also matches an empty text, so it is found everywhere.",
            "Make at least one part of it required.",
        )


_ATOMS = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?:\?(?:P?<\w+>|[a-z-]*:|<?[=!]|>))?|\)|(?:[*+?]|\{\d*,?\d*\})[?+]?|\||.",
    re.DOTALL,
)
_PROBES = (*map(chr, range(32, 127)), "\n", "\t", "é", "ß", "س", "ك", "漢", "字", "。")


class _Group(NamedTuple):
    """A group of a pattern: its alternatives, each a row of atoms or groups with the repetition that follows them."""

    alternatives: list[list[tuple[str | _Group, str]]]


def _backtracks(pattern: str) -> bool:
    r"""Whether an endlessly repeated group can match one text in ever more ways, as (a+)+ or (a|aa)* can.

    A repetition within it is harmless where a required character that it cannot match follows it, or opens the
    group: (\w+,)+ and (?: \w+)+ have one way each.
    """
    return any(_repeats(node, how) and _many_ways(node) for node, how in _groups(_parsed(pattern)))


def _parsed(pattern: str) -> _Group:
    open_groups = [_Group([[]])]
    for atom in _ATOMS.findall(pattern):
        row = open_groups[-1].alternatives[-1]
        if atom.startswith("("):
            open_groups.append(_Group([[]]))
        elif atom == ")" and len(open_groups) > 1:
            closed = open_groups.pop()
            open_groups[-1].alternatives[-1].append((closed, ""))
        elif atom == "|":
            open_groups[-1].alternatives.append([])
        elif atom[0] in "*+?{" and row and not row[-1][1]:
            row[-1] = (row[-1][0], atom)
        else:
            row.append((atom, ""))
    return open_groups[0]


def _groups(group: _Group) -> Iterator[tuple[_Group, str]]:
    for row in group.alternatives:
        for node, how in row:
            if isinstance(node, _Group):
                yield node, how
                yield from _groups(node)


def _repeats(node: str | _Group, how: str) -> bool:
    """Whether this repetition is endless and may give back what it took."""
    endless = how.startswith(("*", "+")) or re.match(r"\{\d*,\}", how) is not None
    return endless and not (len(how) > 1 and how.endswith("+")) and node != ""


def _many_ways(group: _Group) -> bool:
    rows = group.alternatives
    starts = ["".join(node if isinstance(node, str) else "(" for node, _ in row) for row in rows]
    if any(_also_sum(starts, a, b) for n, a in enumerate(starts) for m, b in enumerate(starts) if n != m):
        return True
    for row in rows:
        for index, (node, how) in enumerate(row):
            if isinstance(node, _Group) and not _repeats(node, how) and _many_ways(node):
                return True
            if _repeats(node, how):
                following = row[index + 1 : index + 2] or (row[:1] if len(rows) == 1 and index else [])
                if not following or not _bars(following[0], node):
                    return True
    return False


def _also_sum(starts: list[str], whole: str, part: str) -> bool:
    """Whether one alternative is another one and then something that begins like an alternative again."""
    if not part or not whole.startswith(part):
        return False
    rest = whole.removeprefix(part)
    return not rest or any(start and rest.startswith(start) for start in starts)


def _bars(following: tuple[str | _Group, str], repeated: str | _Group) -> bool:
    """Whether what follows is required and can be nothing that the repeated atom matches."""
    node, how = following
    if isinstance(repeated, _Group) or how.startswith(("*", "?", "{0", "{,")):
        return False
    if isinstance(node, _Group):
        return all(row and _bars(row[0], repeated) for row in node.alternatives)
    starts = [character for character in (*_PROBES, node) if _matches(node, character)]
    return bool(starts) and not any(_matches(repeated, character) for character in starts)


def _matches(atom: str, character: str) -> bool:
    return regex.fullmatch(atom, character, regex.IGNORECASE) is not None


CHECKS: tuple[Check, ...] = (_check_patterns,)
