"""One evaluation from request to stored draft, once per idempotency key.

Comes in: a request and perhaps a key. Goes out: the draft that answers it. The order is: claim the key, read the
conversation, find the rubric, draft, store; no transaction is open while a model works. A claim is a lease that is
renewed while the work goes on, so that a key outlives no crash for longer than the lease.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import ValidationError

from service.api.catalogue import Catalogue
from service.api.shapes import EvaluationRequest, OutsideConversation
from service.complaints import in_plain_words
from service.conversation import Conversation
from service.drafting import Drafter, Engine, plan
from service.errors import (
    AssayError,
    ConversationRejected,
    DraftIncomplete,
    EvaluationInProgress,
    RubricRejected,
    StoreUnavailable,
)
from service.ingest import IngestLimits, conversation_from, read_conversation
from service.library import parse_rubric
from service.rubric import Rubric
from service.scorecard import Draft, Unscored
from service.settings import Limits
from service.store import Busy, Claim, Replay, Store
from service.value import digest_of

_T = TypeVar("_T")

# Reasons that a later try with the same request may mend: the model or its endpoint had the trouble.
MODEL_REASONS = frozenset(
    {
        "model_unavailable",
        "model_misconfigured",
        "model_refused",
        "reply_cut_off",
        "reply_invalid",
        "evidence_missing",
        "evidence_not_found",
    }
)
_TRIED = ("str", "dict[str,any]", "list[any]")
_CONVERSATION_FIXES = {
    "data": "Send the document as text, or its JSON as it is.",
    "roles": 'Send a map such as {"Speaker 0": "agent", "Speaker 1": "customer"}.',
    "encoding": "Send utf-8 or base64.",
    "channel": "Send one of voice, chat, email, social.",
}


@dataclass(frozen=True)
class Outcome:
    """The draft that answers a request; `replayed` when an earlier request with the same key made it."""

    draft: Draft
    replayed: bool = False


@dataclass(frozen=True)
class Patience:
    """How long a claim lasts unless renewed, and how long a repeated request waits for the first one. Seconds."""

    lease: float = 30
    wait: float = 300
    longest_pause: float = 1


class Evaluating:
    """The use case behind POST /v1/evaluations. Lives as long as the service."""

    def __init__(
        self,
        *,
        store: Store,
        drafter: Drafter,
        catalogue: Catalogue,
        limits: Limits,
        vcon_key: str | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._store = store
        self._drafter = drafter
        self._catalogue = catalogue
        self._rubric_items = limits.rubric_items
        self._limits = ingest_limits(limits)
        self._vcon_key = vcon_key
        self._patience = patience or Patience()

    async def evaluate(self, request: EvaluationRequest, key: str | None = None) -> Outcome:
        """The draft is stored and returned; with a key, only the first request of that key makes one.

        Raises IdempotencyKeyReused, EvaluationInProgress, DraftIncomplete and whatever is wrong with the input.
        Only a draft that was returned binds the key: after any error the same request may be tried again with it.
        """
        if key is None:
            return await self._made(request, None)
        digest = await asyncio.to_thread(_digest_of, request)
        right = await self._claimed(key, digest)
        if isinstance(right, Replay):
            return Outcome(await self._store.evaluation(right.evaluation), replayed=True)
        async with self._holding(right):
            return await self._made(request, right)

    async def _made(self, request: EvaluationRequest, claim: Claim | None) -> Outcome:
        conversation = await asyncio.to_thread(self._conversation, request.conversation)
        rubric = await self._rubric(request.rubric)
        draft = await self._drafted(conversation, rubric, request)
        if request.require_complete and (lacking := _unscored(draft)):
            await self._store.keep(draft, conversation, rubric)
            raise _incomplete(draft, lacking)
        stands = await self._store.keep(draft, conversation, rubric, claim=claim)
        return Outcome(draft) if stands == draft.id else Outcome(await self._store.evaluation(stands), replayed=True)

    def _conversation(self, sent: dict[str, Any]) -> Conversation:
        with _at("conversation"):
            if "data" in sent and "turns" not in sent:
                return self._imported(OutsideConversation.model_validate(sent))
            return conversation_from(sent, limits=self._limits, vcon_key=self._vcon_key)

    def _imported(self, sent: OutsideConversation) -> Conversation:
        conversation = read_conversation(
            _bytes_of(sent),
            format=sent.format,
            roles=sent.roles or None,
            limits=self._limits,
            channel=sent.channel,
            language=sent.language,
            vcon_key=self._vcon_key,
        )
        named = {"id": sent.id, "evaluated_agent": sent.evaluated_agent}
        changes: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
        if sent.metadata:
            changes["metadata"] = {**conversation.metadata, **sent.metadata}
        return Conversation.model_validate(conversation.model_dump() | changes) if changes else conversation

    async def _rubric(self, wanted: str | dict[str, Any]) -> Rubric:
        if isinstance(wanted, str):
            return (await self._catalogue.get(wanted)).rubric
        with _at("rubric"):
            return await asyncio.to_thread(lambda: parse_rubric(wanted, max_items=self._rubric_items))

    async def _drafted(self, conversation: Conversation, rubric: Rubric, request: EvaluationRequest) -> Draft:
        """A draft. What needs no model is computed in a thread: a long call must not stop the others' requests."""

        def work() -> Coroutine[Any, Any, Draft]:
            return self._drafter.draft(conversation, rubric, engine=request.engine, language=request.language)

        if self._asks_model(rubric, request.engine):
            return await work()
        return await asyncio.to_thread(_run_to_end, work)

    def _asks_model(self, rubric: Rubric, engine: Engine) -> bool:
        """Whether any item goes to the model; its client belongs to this thread's event loop."""
        model = self._drafter.model if engine != "cues" else None
        return model is not None and bool(plan(rubric, engine=engine, has_model=True).by_model)

    # ── The key ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _claimed(self, key: str, digest: str) -> Claim | Replay:
        """The right to evaluate, or the evaluation to repeat, after waiting for whoever is at it."""
        until, pause = time.monotonic() + self._patience.wait, 0.02
        while True:
            right = await self._store.claim(key, digest, lease=timedelta(seconds=self._patience.lease))
            if not isinstance(right, Busy):
                return right
            if time.monotonic() > until:
                raise EvaluationInProgress(
                    f"the first request with the key {key!r} is still at work.",
                    field="Idempotency-Key",
                    fix="Repeat the request with the same key later.",
                )
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, self._patience.longest_pause)

    @asynccontextmanager
    async def _holding(self, claim: Claim) -> AsyncIterator[None]:
        """The claim is renewed while the block runs, and released when it fails, cancellation included."""
        renewing = asyncio.create_task(self._renew(claim))
        try:
            yield
        except BaseException:
            # The lease frees the key in any case; a store that is down must not hide the error that brought us here.
            with suppress(StoreUnavailable):
                await asyncio.shield(self._store.release(claim))
            raise
        finally:
            renewing.cancel()

    async def _renew(self, claim: Claim) -> None:
        while True:
            await asyncio.sleep(self._patience.lease / 3)
            with suppress(StoreUnavailable):
                await self._store.renew(claim, lease=timedelta(seconds=self._patience.lease))


def _digest_of(request: EvaluationRequest) -> str:
    try:
        return digest_of(request.model_dump(mode="json"))
    except (RecursionError, ValueError):
        raise ConversationRejected("the body nests too deeply.", fix="No valid request needs this depth.") from None


def ingest_limits(limits: Limits) -> IngestLimits:
    """The settings' limits in the importers' own shape."""
    return IngestLimits(body_bytes=limits.body_bytes, turns=limits.turns, characters=limits.characters)


def _run_to_end(work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    return asyncio.run(work())


def _unscored(draft: Draft) -> tuple[Unscored, ...]:
    """The items that a model was to answer and did not.

    What the form leaves to a person, or the conversation's metadata leave open, no model could have filled.
    """
    reasons = MODEL_REASONS | {"needs_model_or_person"}
    return tuple(item for item in draft.items if isinstance(item, Unscored) and item.unscored_reason in reasons)


def _incomplete(draft: Draft, lacking: tuple[Unscored, ...]) -> DraftIncomplete:
    retryable = any(item.unscored_reason in MODEL_REASONS for item in lacking)
    count = f"{len(lacking)} of {len(draft.items)} items"
    said = f"the model left {count} unscored." if retryable else f"{count} need a model, and none was asked."
    remedy = "Repeat the request later" if retryable else "Configure a model and leave out engine cues"
    return DraftIncomplete(
        said,
        fix=f"{remedy}, or read the incomplete draft at /v1/evaluations/{draft.id}.",
        evaluation=draft.id,
        items=tuple((item.item, item.unscored_reason) for item in lacking),
        retryable=retryable,
    )


def _bytes_of(sent: OutsideConversation) -> bytes:
    if not isinstance(sent.data, str):
        return json.dumps(sent.data, ensure_ascii=False).encode()
    if sent.encoding == "utf-8":
        return sent.data.encode()
    try:
        return base64.b64decode(sent.data, validate=True)
    except (binascii.Error, ValueError):
        raise ConversationRejected(
            "the data is not base64.", field="data", fix="Encode the bytes in base64, or set encoding to utf-8."
        ) from None


@contextmanager
def _at(field: str) -> Iterator[None]:
    """Errors of the block name their field as the caller knows it: within `field`."""
    try:
        yield
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False)[0]
        # The last part of a place within a union names the type that was tried.
        path = ".".join(str(part) for part in first["loc"] if part not in _TRIED)
        raise ConversationRejected(
            f"{in_plain_words(first['type'], first['msg'], first.get('ctx') or {})}.",
            field=f"{field}.{path}" if path else field,
            fix=_CONVERSATION_FIXES.get(str(first["loc"][0]) if first["loc"] else ""),
        ) from None
    except RubricRejected as rejected:
        rejected.problems = tuple(
            one._replace(path=f"{field}.{one.path}" if one.path else field) for one in rejected.problems
        )
        rejected.field = f"{field}.{rejected.field}" if rejected.field else field
        raise
    except AssayError as error:
        error.field = f"{field}.{error.field}" if error.field else field
        raise
