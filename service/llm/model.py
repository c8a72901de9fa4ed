"""One connected model: instructor re-asks, tenacity repeats, openai sends, and every attempt is written down.

Comes in: a question. Goes out: a reply with what stands of it, or with the failure. The order of the layers decides
what a failure costs: a transport error during the re-ask repeats the re-ask alone, and when it does not pass, the
first reading still stands for the items that were proven.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx2
import instructor
import openai
from instructor.core.exceptions import IncompleteOutputException
from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from openai.types.chat import ChatCompletion, ChatCompletionMessage, ChatCompletionMessageFunctionToolCall
from openai.types.chat.chat_completion import Choice
from openai.types.chat.chat_completion_message_function_tool_call import Function

from service.drafting import ModelIdentity, Question, Readiness, Reply
from service.errors import ModelError, SettingsRejected
from service.llm.customs import Customs, Mode, budget_parameter, shaped
from service.llm.failures import ModeIgnored, Refused, error_text, failure_from, is_too_long, kind_of, root_of
from service.llm.form import SITTING, Sitting, form_for
from service.llm.ledger import Ledger
from service.llm.patience import retrying
from service.settings import LLMSettings

OPENAI = "https://api.openai.com/v1"
CONTINUATIONS = 2
"""How often a reply that was cut off is continued with the items that it did not reach."""
_CONNECT_SECONDS = 10.0
_READY_SECONDS = 3.0
_READY_FOR = 15.0

log = logging.getLogger(__name__)

_KNOWN: dict[tuple[str, str], Customs] = {}
"""Endpoint and model → what was learned of them in this process."""


def connect_model(settings: LLMSettings, *, customs: Customs | None = None) -> ConnectedModel | None:
    """The configured model, ready to be asked; None when no model is configured. Nothing is sent yet.

    `customs` replaces what this process remembers of the endpoint. Raises SettingsRejected for a model that has
    neither an endpoint nor a key.
    """
    if settings.model is None:
        return None
    if settings.base_url is None and settings.api_key is None:
        raise SettingsRejected(
            "a model is named, and neither an endpoint nor a key.",
            field="ASSAY_LLM_MODEL",
            fix="Set ASSAY_LLM_BASE_URL for a server of your own, or ASSAY_LLM_API_KEY or OPENAI_API_KEY for OpenAI.",
        )
    if settings.base_url is not None and not _is_base_url(settings.base_url):
        raise SettingsRejected(
            "this is not the address of an OpenAI-compatible endpoint.",
            field="ASSAY_LLM_BASE_URL",
            fix="Write it as http://host:8000/v1, without a query.",
        )
    _quieten()
    known = customs or _KNOWN.setdefault((settings.base_url or OPENAI, settings.model), Customs())
    return ConnectedModel(settings, settings.model, known)


def _is_base_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0 and not url.query
    except ValueError:
        return False


def _quieten() -> None:
    """No reply, prompt or address reaches a log.

    instructor logs the first as errors, openai the second when debugging, httpx2 the third with its password.
    """
    logging.getLogger("instructor").setLevel(logging.CRITICAL + 1)
    if logging.getLogger("openai").getEffectiveLevel() < logging.INFO:
        logging.getLogger("openai").setLevel(logging.INFO)
    if logging.getLogger("httpx2").getEffectiveLevel() < logging.WARNING:
        logging.getLogger("httpx2").setLevel(logging.WARNING)


class ConnectedModel:
    """Asks one model at one endpoint. Lives as long as the service; shared by all requests; `close` ends it."""

    def __init__(self, settings: LLMSettings, model: str, customs: Customs) -> None:
        self._settings = settings
        self._model = model
        self._customs = customs
        self._base_url = settings.base_url or OPENAI
        self._own_openai = urlsplit(self._base_url).hostname == "api.openai.com"
        self._slots = asyncio.Semaphore(settings.concurrency)
        limits = httpx2.Limits(
            max_connections=settings.concurrency + 1, max_keepalive_connections=settings.concurrency + 1
        )
        timeout = httpx2.Timeout(settings.timeout_seconds, connect=min(_CONNECT_SECONDS, settings.timeout_seconds))
        self._client = AsyncOpenAI(
            api_key=settings.api_key.get_secret_value() if settings.api_key else "none",
            base_url=self._base_url,
            max_retries=0,
            timeout=timeout,
            http_client=DefaultAsyncHttpxClient(limits=limits, timeout=timeout),
        )
        self._create: dict[Mode, Callable[..., Any]] = {
            "tools": instructor.patch(create=self._send_tools, mode=instructor.Mode.TOOLS),
            "json_schema": instructor.patch(create=self._send_schema, mode=instructor.Mode.JSON_SCHEMA),
            "md_json": instructor.patch(create=self._send_plain, mode=instructor.Mode.MD_JSON),
        }
        self._readiness: tuple[float, Readiness] | None = None

    @property
    def identity(self) -> ModelIdentity:
        """Which model is asked, and with which parameters by what is known now."""
        settings, dropped = self._settings, self._customs.dropped
        wanted: dict[str, Any] = {"temperature": settings.temperature, "seed": settings.seed}
        parameters = {name: value for name, value in wanted.items() if value is not None and name not in dropped}
        mode = settings.mode if settings.mode != "auto" else self._customs.mode or "auto"
        parameters |= {"max_output_tokens": settings.max_output_tokens, "mode": mode}
        if settings.extra_body:
            parameters["extra_body"] = _without_secrets(settings.extra_body)
        where = urlsplit(self._base_url)
        return ModelIdentity(
            model=self._model,
            endpoint=f"{where.hostname}:{where.port}" if where.port else where.hostname,
            parameters=parameters,
            prompt=settings.prompt,
            prompt_version=settings.prompt_version,
            answer_language=settings.answer_language,
            output_tokens=settings.max_output_tokens,
        )

    async def ask(self, question: Question) -> Reply:
        """What stands of the model's answers; failures come back in the reply, cancellation alone is raised.

        The deadline starts when a slot is free, so that a long queue costs nobody their patience.
        """
        sitting = Sitting(question, Ledger(question.purpose, self._settings.prices))
        failure: ModelError | None = None
        async with self._slots:
            token = SITTING.set(sitting)
            try:
                sitting.deadline = asyncio.get_running_loop().time() + self._settings.deadline_seconds
                async with asyncio.timeout_at(sitting.deadline):
                    await self._sit(sitting)
            except Exception as error:  # noqa: BLE001 - the one place where vendors' errors end
                failure = failure_from(error)
                _note_unexpected(error)
            finally:
                SITTING.reset(token)
        calls = tuple(sitting.ledger.calls)
        log.info(
            "model=%s purpose=%s attempts=%d open=%s failure=%s",
            self._model,
            question.purpose,
            len(calls),
            len(sitting.reading.open_items) if sitting.reading else "all",
            type(failure).__name__ if failure else None,
        )
        return Reply(sitting.reading, failure, calls, sitting.model_reported)

    async def _sit(self, sitting: Sitting) -> None:
        """Ask in the modes that the endpoint may take until one is taken; continue what was cut off."""
        modes = self._customs.modes(self._settings.mode)
        sitting.mode_in_doubt = self._settings.mode == "auto" and self._customs.mode is None
        for mode in modes:
            last = mode == modes[-1]
            if last:
                sitting.mode_in_doubt = False
            try:
                await self._ask_in_mode(sitting, mode)
            except Exception as error:
                if last or sitting.reading is not None or not self._passes_on(root_of(error), mode):
                    raise
            else:
                return

    def _passes_on(self, error: BaseException, mode: Mode) -> bool:
        """Whether the next mode is worth trying. A refusal is remembered; being ignored once proves nothing yet."""
        if isinstance(error, openai.APIStatusError) and self._customs.refuses_mode(error, mode):
            self._customs.refused(mode)
            return True
        return isinstance(error, ModeIgnored)

    async def _ask_in_mode(self, sitting: Sitting, mode: Mode) -> None:
        messages = [message.model_dump() for message in sitting.question.messages]
        for _ in range(1 + CONTINUATIONS):
            left = sitting.shape
            try:
                await self._create[mode](response_model=form_for(left), messages=messages, max_retries=1, strict=True)
            except IncompleteOutputException as cut_off:
                sitting.take(_text_of(cut_off.last_completion, mode), cut_off=True)
                sitting.ledger.mark_last("ReplyCutOff")
                open_items = sitting.reading.open_items if sitting.reading else ()
                if not open_items:
                    break
                if len(open_items) >= len(left.fields):
                    raise
            else:
                break
        if sitting.reading and sitting.reading.any_shaped:
            self._customs.proven(mode)

    # ── Sending ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _send_tools(self, *, messages: list[Any], **_: Any) -> ChatCompletion:
        return await self._send("tools", messages)

    async def _send_schema(self, *, messages: list[Any], **_: Any) -> ChatCompletion:
        return await self._send("json_schema", messages)

    async def _send_plain(self, *, messages: list[Any], **_: Any) -> ChatCompletion:
        return await self._send("md_json", messages)

    async def _send(self, mode: Mode, messages: list[Any]) -> ChatCompletion:
        """One completion: transport repeated while it may help, parameters left out that the endpoint refuses."""
        sitting = SITTING.get()
        while True:
            request = self._request(mode, sitting)
            try:
                completion = await self._repeated(sitting, mode, messages, request)
            except openai.APIStatusError as error:
                learned = self._customs.learn(error, request) or _give_up_budget(error, sitting)
                # What the operator put into `extra_body` stays in the request, refused or not.
                if not learned or self._request(mode, sitting) == request:
                    raise
            else:
                return self._checked(completion, mode, sitting)

    def _request(self, mode: Mode, sitting: Sitting) -> dict[str, Any]:
        """Everything but the messages, as this endpoint takes it."""
        settings, customs = self._settings, self._customs
        request: dict[str, Any] = shaped(mode, sitting.shape, customs)
        if settings.temperature is not None and "temperature" not in customs.dropped:
            request["temperature"] = settings.temperature
        if settings.seed is not None and "seed" not in customs.dropped:
            request["seed"] = settings.seed
        budget = budget_parameter(customs, own_openai=self._own_openai)
        if budget and not sitting.without_budget:
            request[budget] = settings.max_output_tokens
        return request | settings.extra_body

    async def _repeated(
        self, sitting: Sitting, mode: Mode, messages: list[Any], request: dict[str, Any]
    ) -> ChatCompletion | str:
        left = sitting.deadline - asyncio.get_running_loop().time()
        async for attempt in retrying(attempts=self._settings.max_attempts, seconds_left=left):
            with attempt:
                return await self._once(sitting, mode, messages, request)
        raise AssertionError("a retry either returns or raises")  # pragma: no cover

    async def _once(
        self, sitting: Sitting, mode: Mode, messages: list[Any], request: dict[str, Any]
    ) -> ChatCompletion | str:
        """One attempt, recorded whatever becomes of it."""
        started, outcome = time.perf_counter(), "DeadlinePassed"
        came: ChatCompletion | str | Exception | None = None
        try:
            # Posted as it is: `chat.completions.create` would walk the whole body, schema and all, for nothing.
            body = {"model": self._model, "messages": messages, **request}
            completion: ChatCompletion | str = await self._client.post(
                "/chat/completions", body=body, cast_to=ChatCompletion
            )
            came, outcome = completion, "ok"
            return completion
        except Exception as error:
            outcome, came = type(error).__name__, error
            raise
        finally:
            latency = time.perf_counter() - started
            sitting.ledger.enter(outcome=outcome, latency=latency, mode=mode, asked=self._model, completion=came)

    def _checked(self, completion: ChatCompletion | str, mode: Mode, sitting: Sitting) -> ChatCompletion:
        """The completion with its text where instructor looks for it. Raises Refused and ModeIgnored.

        An answer that is no completion (an error page with status 200) becomes an empty one, to be asked again.
        """
        if not isinstance(completion, ChatCompletion) or not completion.choices:
            sitting.ledger.mark_last("ReplyRejected")
            return _empty(completion)
        sitting.model_reported = completion.model if isinstance(completion.model, str) else None
        choice = completion.choices[0]
        message = choice.message
        if choice.finish_reason == "content_filter" or getattr(message, "refusal", None):
            sitting.ledger.mark_last("ModelRefused")
            raise Refused
        content: Any = message.content
        if isinstance(content, list):  # some servers send the text in parts
            message.content = _joined(content)
        text = _text_of(completion, mode)
        if mode == "tools" and not message.tool_calls and "{" in text:
            # The model wrote the form as text instead of calling the tool: read it all the same.
            message.tool_calls = [_tool_call(sitting.question.shape.name, text)]
        elif mode == "tools" and not message.tool_calls and sitting.mode_in_doubt:
            sitting.ledger.mark_last("ModeIgnored")
            raise ModeIgnored
        return completion

    # ── Readiness ───────────────────────────────────────────────────────────────────────────────────────────────

    async def ready(self) -> Readiness:
        """Whether the endpoint answers and takes the key, by its list of models; asked at most every 15 seconds."""
        if self._readiness and time.monotonic() - self._readiness[0] < _READY_FOR:
            return self._readiness[1]
        readiness = await self._look()
        self._readiness = (time.monotonic(), readiness)
        return readiness

    async def _look(self) -> Readiness:
        try:
            async with asyncio.timeout(_READY_SECONDS):
                listed = await self._client.models.list(timeout=_READY_SECONDS)
        except openai.NotFoundError:
            return Readiness(ready=True, detail="the endpoint answers; it lists no models")
        except Exception as error:  # noqa: BLE001 - whatever keeps the endpoint from answering
            return Readiness(ready=False, detail=failure_from(error).message)
        names = {one.id for one in listed.data or ()} if hasattr(listed, "data") else set()
        if names and self._model not in names:
            return Readiness(ready=True, detail=f"the endpoint answers; it does not list {self._model}")
        return Readiness(ready=True, detail="the endpoint answers")

    async def close(self) -> None:
        """End all connections; the model cannot be asked afterwards."""
        await self._client.close()


def _without_secrets(value: Any) -> Any:
    """The value with `***` under every name that sounds like a secret: some gateways take keys in the body."""
    if isinstance(value, dict):
        return {name: "***" if _SECRET.search(str(name)) else _without_secrets(inner) for name, inner in value.items()}
    return [_without_secrets(one) for one in value] if isinstance(value, list) else value


_SECRET = re.compile(r"key|secret|passw|authorization|credential|cookie|(^|[_-])token$", re.IGNORECASE)


def _give_up_budget(error: openai.APIStatusError, sitting: Sitting) -> bool:
    """Whether prompt and output budget together are too long for the model; then it is asked without a budget, once."""
    if sitting.without_budget or not is_too_long(error):
        return False
    sitting.without_budget = any(word in error_text(error) for word in ("completion", "max_tokens", "output tokens"))
    return sitting.without_budget


def _note_unexpected(error: BaseException) -> None:
    """An exception that no vendor is known for is a defect of ours: its kind and place are logged, never its text."""
    root = root_of(error)
    if kind_of(type(root)) is None and not isinstance(root, ModelError):
        frames = traceback.extract_tb(root.__traceback__)
        place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "nowhere"
        log.error("unexpected %s at %s while asking the model", type(root).__name__, place)


def _text_of(completion: Any, mode: Mode) -> str:
    """The reply's own text: the tool's arguments, or the content."""
    if not isinstance(completion, ChatCompletion) or not completion.choices:
        return ""
    message = completion.choices[0].message
    if mode == "tools" and message.tool_calls:
        first = message.tool_calls[0]
        if isinstance(first, ChatCompletionMessageFunctionToolCall):
            arguments: Any = first.function.arguments
            return arguments if isinstance(arguments, str) else json.dumps(arguments)
    return message.content if isinstance(message.content, str) else ""


def _joined(parts: list[Any]) -> str:
    texts = (part.get("text") if isinstance(part, dict) else part for part in parts)
    return "".join(text for text in texts if isinstance(text, str))


def _tool_call(name: str, arguments: str) -> ChatCompletionMessageFunctionToolCall:
    return ChatCompletionMessageFunctionToolCall(
        id="call_0", type="function", function=Function(name=name, arguments=arguments)
    )


def _empty(completion: Any) -> ChatCompletion:
    message = ChatCompletionMessage(role="assistant", content="")
    return ChatCompletion(
        id="none",
        choices=[Choice(index=0, finish_reason="stop", message=message)],
        created=0,
        model=getattr(completion, "model", None) or "unknown",
        object="chat.completion",
    )
