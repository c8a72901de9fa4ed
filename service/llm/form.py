"""The response model that instructor is given: thin on purpose, prepared once per shape.

instructor rebuilds schemas and walks nested models on every call when it is given a plain model. A `Form` hands it the
schema that `service.verdict` prepared, and hands every raw reply to the `Sitting` of the task that asks. The sitting
is found by a context variable, never by instructor's `context=`: that would render the messages, transcript and all,
as Jinja templates.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, ClassVar, Self, cast
from weakref import WeakKeyDictionary

from instructor import ResponseSchema
from instructor.core.exceptions import ResponseParsingError

from service.drafting import Question
from service.llm.failures import ModeIgnored
from service.llm.ledger import Ledger
from service.proving import Reading
from service.verdict import ReplyShape


class Sitting:
    """One question while it is asked: what was read so far, and every attempt. Lives as long as the question."""

    def __init__(self, question: Question, ledger: Ledger) -> None:
        self.question = question
        self.ledger = ledger
        self.reading: Reading | None = None
        self.asked_again = False
        self.mode_in_doubt = False
        self.without_budget = False
        self.deadline = float("inf")
        self.model_reported: str | None = None

    @property
    def shape(self) -> ReplyShape:
        """What is still to be answered: at first everything, after a reading the items that do not stand."""
        if self.reading is None or not self.reading.open_items:
            return self.question.shape
        return self.question.shape.only(self.reading.open_items)

    def take(self, raw: str | None, *, cut_off: bool = False) -> None:
        """Read one reply; what stood before keeps standing.

        Raises ResponseParsingError with the complaint, once, for instructor to re-ask; and ModeIgnored when nothing
        of the reply has the shape and the endpoint never yet showed that it takes this mode.
        """
        later = self.question.read(raw, cut_off)
        if later.any_shaped:
            self.mode_in_doubt = False
        elif self.mode_in_doubt and not cut_off:
            self.ledger.mark_last("ModeIgnored")
            raise ModeIgnored
        else:
            self.ledger.mark_last("ReplyRejected")
        self.reading = later if self.reading is None else self.reading.mended_by(later)
        if not self.reading.open_items or self.asked_again or cut_off:
            return
        self.asked_again = True
        self.ledger.mark_last("reasked")
        raise ResponseParsingError(self.reading.complaint())


SITTING: ContextVar[Sitting] = ContextVar("sitting")


class Form(ResponseSchema):
    """Base of the prepared response models; it holds no data, for the sitting keeps what was read."""

    prepared: ClassVar[Mapping[str, Any]] = {}

    @classmethod
    def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:
        """The schema as it was prepared."""
        return dict(cls.prepared)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **_: Any) -> Self:
        """The reply is read by the sitting of this task. Raises ResponseParsingError where it shall be asked again."""
        SITTING.get().take(json_data if isinstance(json_data, str) else bytes(json_data).decode("utf-8", "replace"))
        return cast("Self", cls.model_construct())


_FORMS: WeakKeyDictionary[ReplyShape, type[Form]] = WeakKeyDictionary()


def form_for(shape: ReplyShape) -> type[Form]:
    """The response model for this shape, made once."""
    form = _FORMS.get(shape)
    if form is None:
        prepared = {"title": shape.name, **shape.schema}
        form = _FORMS[shape] = type(shape.name, (Form,), {"__module__": __name__, "prepared": prepared})
    return form
