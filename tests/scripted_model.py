"""A model that says what its script says: the substitute for `AsksModel` where no wire is involved."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from service.drafting import ModelIdentity, Question, Readiness, Reply
from service.errors import ModelError
from service.scorecard import Call

Line = dict[str, Any] | str | ModelError | Callable[[Question], dict[str, Any]]


class ScriptedModel:
    """Says its lines in order, the last one again and again; re-asks once, as real ones do.

    A line is the reply's JSON, its raw text, an error, or a function of the question.
    """

    def __init__(self, *lines: Line, **identity: Any) -> None:
        self.lines = list(lines)
        self.questions: list[Question] = []
        self.complaints: list[str] = []
        self._identity = ModelIdentity(model="scripted", endpoint="nowhere", parameters={"temperature": 0}, **identity)

    @property
    def identity(self) -> ModelIdentity:
        return self._identity

    async def ask(self, question: Question) -> Reply:
        self.questions.append(question)
        said = self._next(question)
        if isinstance(said, ModelError):
            return Reply(None, said, (self._call(question, 1, type(said).__name__),))
        reading = question.read(said, False)
        calls = [self._call(question, 1, "reasked" if reading.open_items else "ok")]
        if reading.open_items:
            self.complaints.append(reading.complaint())
            again = self._next(question)
            if not isinstance(again, ModelError):
                reading = reading.mended_by(question.read(again, False))
            calls.append(self._call(question, 2, "ok"))
        return Reply(reading, None, tuple(calls), "scripted-1")

    async def ready(self) -> Readiness:
        return Readiness(ready=True, detail="always")

    async def close(self) -> None:
        return None

    def _next(self, question: Question) -> str | ModelError:
        line = self.lines.pop(0) if len(self.lines) > 1 else self.lines[0]
        if isinstance(line, ModelError | str):
            return line
        return json.dumps(line(question) if callable(line) else line)

    def _call(self, question: Question, attempt: int, outcome: str) -> Call:
        return Call(purpose=question.purpose, attempt=attempt, outcome=outcome, latency_seconds=0.0)


def judged(answer: Any, *quotes: tuple[int, str], applicable: bool | None = True, **more: Any) -> dict[str, Any]:
    """One item's reply. `applicable` None leaves the field out, as for items that always apply."""
    evidence = [{"turn": turn, "quote": quote} for turn, quote in quotes]
    reply = {"evidence": evidence, "reason": "It was said.", "answer": answer, "confidence": 0.9} | more
    return reply if applicable is None else {"applicable": applicable} | reply
