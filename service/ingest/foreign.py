"""Files of the same systems that are not conversations: named, so that the sender knows what to do with them."""

from __future__ import annotations

import re
from typing import Final, NoReturn

from service.errors import FormatUnknown
from service.ingest.document import NOT_JSON, Document
from service.ingest.fields import Object

_TERRAFORM: Final = re.compile(
    r"\s*(?:#[^\n]*\n\s*)*(?:resource|data|provider|variable|module|terraform|locals)\b[^\n{]*\{"
)
_SUBRIP: Final = re.compile(r"\s*\d+\s*\n\s*\d{2}:\d{2}:\d{2},\d{3} -->")
_AS_RUBRIC: Final = "Import it as a rubric, and send the transcript as the conversation."


def refuse_foreign(document: Document) -> None:
    """Pass for what may be a conversation; otherwise raise `FormatUnknown` that says what the document is."""
    if isinstance(document.value, dict):
        _refuse_object(document.value)
    elif document.value is NOT_JSON and document.text is not None:
        _refuse_text(document.text)


def _refuse_object(value: Object) -> None:
    if any(
        key in value for key in ("turns", "Transcript", "dialog", "transcripts", "segments", "utterances", "results")
    ):
        return
    items = value.get("Items")
    if (
        "EvaluationFormId" in value
        or "EvaluationForm" in value
        or (
            isinstance(items, list)
            and any(isinstance(item, dict) and ("Section" in item or "Question" in item) for item in items)
        )
    ):
        _refuse("an Amazon Connect evaluation form", _AS_RUBRIC)
    if "evaluationId" in value or ("questionGroupScores" in value) or "anyFailedKillQuestions" in value:
        _refuse("a finished evaluation (scores and answers)", "Send the transcript of the contact that it evaluates.")
    if "questionGroups" in value or "question_groups" in value:
        _refuse("a Genesys evaluation form", _AS_RUBRIC)
    if "sections" in value and ("version" in value or "title" in value):
        _refuse("a rubric", "Publish it as a rubric, and send the transcript as the conversation.")
    if "sid" in value or ("start_time_ms" in value and "end_time_ms" in value) or "survey_response" in value:
        _refuse("metadata of a call, without its words", "Send the transcript that belongs to it.")
    if "$schema" in value or "openapi" in value:
        _refuse("a schema", "Send the transcript of a contact.")


def _refuse_text(text: str) -> None:
    if _TERRAFORM.match(text):
        form = "evaluation" in text[:20_000]
        _refuse(
            "an evaluation form written for Terraform" if form else "a Terraform configuration",
            "Import it as a rubric, and send the transcript as the conversation."
            if form
            else "Send the transcript of a contact.",
        )
    if _SUBRIP.match(text):
        _refuse("SubRip subtitles, which do not say who speaks", "Export WebVTT with voice spans.")
    head = text.lstrip()[:200].casefold()
    if head.startswith(("<!doctype html", "<html")):
        _refuse("a web page", "Export the transcript as text or JSON.")
    if head.startswith("<?xml"):
        _refuse("XML", "Export the transcript as text, WebVTT or JSON.")


def _refuse(what: str, fix: str) -> NoReturn:
    raise FormatUnknown(f"not a conversation: this is {what}.", field="body", fix=fix)
