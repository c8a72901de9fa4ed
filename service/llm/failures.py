"""One mapper from the vendors' exceptions to ours; nothing of a prompt, a reply or an error body passes it.

An endpoint's error text may repeat what was sent to it, so messages carry the status and the endpoint's short codes
only. `str()` of instructor's exceptions holds whole replies and is never taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import openai
from instructor.core import exceptions as instructor_errors
from instructor.v2.core.exceptions import RegistryError, ValidationContextError

from service.errors import (
    ModelError,
    ModelMisconfigured,
    ModelRefused,
    ModelUnavailable,
    ReplyCutOff,
    ReplyRejected,
)


class Refused(Exception):
    """The model declined, or a content filter stopped the reply."""


class ModeIgnored(Exception):
    """The endpoint took the request and did not answer in the structured form that was asked for."""


KINDS: dict[type[BaseException], type[ModelError]] = {
    openai.OpenAIError: ModelMisconfigured,
    openai.APIError: ModelUnavailable,
    openai.APIStatusError: ModelMisconfigured,
    openai.APIConnectionError: ModelUnavailable,
    openai.APITimeoutError: ModelUnavailable,
    openai.APIResponseValidationError: ReplyRejected,
    openai.BadRequestError: ModelMisconfigured,
    openai.AuthenticationError: ModelMisconfigured,
    openai.OAuthError: ModelMisconfigured,
    openai.PermissionDeniedError: ModelMisconfigured,
    openai.NotFoundError: ModelMisconfigured,
    openai.UnprocessableEntityError: ModelMisconfigured,
    openai.ConflictError: ModelUnavailable,
    openai.RateLimitError: ModelUnavailable,
    openai.InternalServerError: ModelUnavailable,
    openai.LengthFinishReasonError: ReplyCutOff,
    openai.ContentFilterFinishReasonError: ModelRefused,
    openai.InvalidWebhookSignatureError: ModelMisconfigured,
    openai.WebSocketConnectionClosedError: ModelUnavailable,
    openai.WebSocketQueueFullError: ModelUnavailable,
    instructor_errors.InstructorError: ReplyRejected,
    instructor_errors.InstructorRetryException: ReplyRejected,
    instructor_errors.IncompleteOutputException: ReplyCutOff,
    instructor_errors.ValidationError: ReplyRejected,
    instructor_errors.AsyncValidationError: ReplyRejected,
    instructor_errors.ResponseParsingError: ReplyRejected,
    instructor_errors.ProviderError: ModelMisconfigured,
    instructor_errors.ConfigurationError: ModelMisconfigured,
    instructor_errors.ModeError: ModelMisconfigured,
    instructor_errors.ClientError: ModelMisconfigured,
    instructor_errors.MultimodalError: ModelMisconfigured,
    instructor_errors.TokenBudgetError: ModelMisconfigured,
    instructor_errors.TokenBudgetExceeded: ModelMisconfigured,
    instructor_errors.TokenUsageUnavailableError: ModelMisconfigured,
    RegistryError: ModelMisconfigured,
    ValidationContextError: ModelMisconfigured,
    Refused: ModelRefused,
    ModeIgnored: ReplyRejected,
    TimeoutError: ModelUnavailable,
}
"""Every exception that openai and instructor export, and what it means for a draft. A test walks the exports."""

_TRANSIENT_STATUS = frozenset({408, 409, 425, 429})
_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,60}")


def root_of(error: BaseException) -> BaseException:
    """What happened under instructor's wrapping: the cause of an InstructorRetryException, else the error itself.

    instructor wraps a rate limit and an exhausted re-ask in one class; only the cause tells them apart.
    """
    while isinstance(error, instructor_errors.InstructorRetryException) and error.__cause__ is not None:
        error = error.__cause__
    return error


def kind_of(error: type[BaseException]) -> type[ModelError] | None:
    """Our error for a vendor's class, the most specific entry first; None when nothing fits."""
    return next((KINDS[base] for base in error.__mro__ if base in KINDS), None)


def failure_from(error: BaseException) -> ModelError:
    """The vendor's exception as ours: what happened, in words that name no content."""
    root = root_of(error)
    if isinstance(root, ModelError):
        return root
    if isinstance(root, openai.APIStatusError):
        return _status_failure(root)
    kind = kind_of(type(root)) or ReplyRejected
    return kind(_EXPLANATIONS[kind].format(name=type(root).__name__))


_EXPLANATIONS: dict[type[ModelError], str] = {
    ModelUnavailable: "the model's endpoint gave no reply in time or could not be reached ({name}).",
    ModelMisconfigured: "the model's client or endpoint cannot be used as configured ({name}).",
    ModelRefused: "the model declined to answer.",
    ReplyCutOff: "the model's reply ended at its output limit before it was complete.",
    ReplyRejected: "the model's reply could not be read, also after one re-ask ({name}).",
}


def _status_failure(error: openai.APIStatusError) -> ModelError:
    status, named = error.status_code, _codes(error)
    if is_too_long(error):
        return ModelMisconfigured(
            f"the conversation and the form are longer than the model's context window (status {status}{named}).",
            fix="Use a model with a larger context.",
        )
    if error.code in _FILTERED:
        return ModelRefused(f"a content filter of the endpoint stopped the request (status {status}{named}).")
    if is_out_of_quota(error):
        return ModelMisconfigured(
            f"the endpoint's quota is used up (status {status}{named}).", fix="Check plan and billing."
        )
    if status >= 500 or status in _TRANSIENT_STATUS:
        return ModelUnavailable(f"the model's endpoint kept answering with status {status}{named}.")
    kind = kind_of(type(error)) or ModelMisconfigured
    return kind(
        f"the model's endpoint refused the request with status {status}{named}.", fix=_FIXES.get(status, _FIX_OTHERWISE)
    )


_FILTERED = frozenset({"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"})
_FIX_OTHERWISE = "Check ASSAY_LLM_MODEL, ASSAY_LLM_BASE_URL and ASSAY_LLM_MODE."
_FIXES = {
    401: "Check ASSAY_LLM_API_KEY.",
    403: "Check what ASSAY_LLM_API_KEY may use.",
    404: "Check ASSAY_LLM_MODEL and ASSAY_LLM_BASE_URL.",
}


def _codes(error: openai.APIError) -> str:
    """The endpoint's short codes, where they look like codes and not like prose."""
    parts = [f"{name} {value}" for name, value in (("code", error.code), ("parameter", error.param)) if _is_code(value)]
    return f", {', '.join(parts)}" if parts else ""


def _is_code(value: object) -> bool:
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def error_text(error: openai.APIStatusError) -> str:
    """The endpoint's own words in lower case, to look for parameter names in; never to be shown or logged.

    Only what explains is taken: some servers repeat the whole request, in which every name would be found.
    """
    words = [str(error.param or ""), str(error.code or ""), *_explanations(error.body, depth=0)]
    return " ".join(words).lower()[:10_000]


_EXPLAINING = (
    "error",
    "message",
    "msg",
    "detail",
    "details",
    "loc",
    "param",
    "code",
    "type",
    "title",
    "errors",
    "metadata",
    "raw",
)


def _explanations(body: object, *, depth: int) -> Iterator[str]:
    if depth > 6:
        return
    if isinstance(body, str):
        yield body[:2_000]
    elif isinstance(body, list):
        for part in body[:20]:
            yield from _explanations(part, depth=depth + 1)
    elif isinstance(body, dict):
        for key in _EXPLAINING:
            yield from _explanations(body.get(key), depth=depth + 1)


def is_too_long(error: openai.APIStatusError) -> bool:
    """Whether the endpoint says that the prompt does not fit."""
    if error.status_code not in (400, 413, 422):
        return False
    words = error_text(error)
    return error.status_code == 413 or any(
        sign in words for sign in ("context_length", "context length", "context window", "context size", "too long")
    )


def is_out_of_quota(error: openai.APIStatusError) -> bool:
    """Whether a 429 will not go away by waiting."""
    return error.status_code == 429 and error.code in ("insufficient_quota", "billing_hard_limit_reached")


def is_transient(error: BaseException) -> bool:
    """Whether sending the same request again may succeed."""
    if isinstance(error, openai.APIStatusError):
        advice = error.response.headers.get("x-should-retry")
        if advice in ("true", "false"):
            return bool(advice == "true")
        if is_out_of_quota(error):
            return False
        return (error.status_code >= 500 and error.status_code != 501) or error.status_code in _TRANSIENT_STATUS
    return isinstance(error, openai.APIConnectionError)
