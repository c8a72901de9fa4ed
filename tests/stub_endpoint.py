"""An OpenAI-compatible endpoint on loopback that can be sensible, slow, strict, broken or dishonest.

    python -m tests.stub_endpoint --port 8398 --latency 0.2

By default it is a sensible model: it reads the form and the transcript in the prompt, and answers every item of the
requested shape with quotes copied from the transcript. A test hands it `acts`, one per chat request; what is left
over when they are used up is the default. Every request is kept in `requests`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

Act = Callable[["Exchange"], Awaitable[None] | None]


# ── Reading the prompt as a model would ─────────────────────────────────────────────────────────────────────────


def schema_of(request: dict[str, Any]) -> dict[str, Any]:
    """The shape that the request asks for, wherever it stands."""
    if tools := request.get("tools"):
        return tools[0]["function"]["parameters"]
    if shape := request.get("response_format", {}).get("json_schema"):
        return shape["schema"]
    for message in request["messages"]:
        start = message["content"].find("json_schema:")
        if start >= 0:
            return json.JSONDecoder().raw_decode(message["content"], message["content"].index("{", start))[0]
    return {"properties": {}}


def fields_of(request: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Field name → its schema, references resolved."""
    schema = schema_of(request)
    return {name: _resolved(part, schema) for name, part in schema["properties"].items()}


def _resolved(part: Any, schema: dict[str, Any]) -> Any:
    if isinstance(part, dict):
        if "$ref" in part:
            return _resolved(schema["$defs"][part["$ref"].split("/")[-1]], schema)
        return {key: _resolved(value, schema) for key, value in part.items() if key != "$defs"}
    return [_resolved(one, schema) for one in part] if isinstance(part, list) else part


@dataclass(frozen=True)
class Line:
    turn: int
    speaker: str
    text: str


def transcript_of(request: dict[str, Any]) -> list[Line]:
    """The turns between the fences, first line of each."""
    user = next(message["content"] for message in request["messages"] if message["role"] == "user")
    inside = user.split("<transcript>\n", 1)[-1].split("\n</transcript>", 1)[0]
    found = re.finditer(r"^\[(\d+)\] ([a-z]+(?: \d+)?(?: \(evaluated\))?)(?: [\d:]+)?: (.*)$", inside, re.MULTILINE)
    return [Line(int(one[1]), one[2], one[3].strip()) for one in found]


def items_of(request: dict[str, Any]) -> dict[str, str]:
    """Field name → what the form says about it."""
    system = request["messages"][0]["content"]
    found = re.finditer(r"^### `(\w+)`\n(.*?)(?=^###? |^# |\Z)", system, re.MULTILINE | re.DOTALL)
    return {one[1]: one[2] for one in found}


_STOP = {
    "the",
    "a",
    "an",
    "of",
    "to",
    "and",
    "or",
    "in",
    "is",
    "was",
    "did",
    "do",
    "does",
    "any",
    "for",
    "with",
    "that",
    "this",
    "it",
    "as",
    "be",
    "by",
    "on",
    "at",
    "agent",
    "customer",
}


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"\w+", text.lower()) if word not in _STOP and len(word) > 1}


def sensible_answers(request: dict[str, Any]) -> dict[str, Any]:
    """An answer for every field: the turn that shares most words with the item decides, and is quoted."""
    lines, items = transcript_of(request), items_of(request)
    answers: dict[str, Any] = {}
    for name, shape in fields_of(request).items():
        if name == "summary":
            answers[name] = "The customer asked for help and the agent dealt with it."
        else:
            answers[name] = _answer(shape, items.get(name, ""), lines)
    return answers


def _answer(shape: dict[str, Any], item: str, lines: list[Line]) -> dict[str, Any]:
    """N/A where the item names when it applies and nothing speaks of it; else the best turns' words."""
    fields = shape["properties"]
    who = re.search(r"^Quotes: from (.*?)(;|,|$)", item, re.MULTILINE)
    may_speak = [line for line in lines if line.text and _counts(line, who[1] if who else "any speaker")]
    wanted = _words(" ".join(re.findall(r"^(?:Question|Guidance): (.*)$", item, re.MULTILINE)))
    ranked = sorted(may_speak, key=lambda line: -len(wanted & _words(line.text)))
    heard = bool(ranked) and bool(wanted & _words(ranked[0].text))
    applies_always = "Applies: always" in item or "Applies: whenever" in item
    if "applicable" in fields and not heard and not applies_always:
        return {"applicable": False, "evidence": [], "reason": "It never came up.", "answer": None, "confidence": 0.8}
    absent = re.findall(r"`([^`]+)`", found[1]) if (found := re.search(r"; ([^;]*) may rest on absence", item)) else []
    answer = _pick(fields["answer"], heard=heard)
    if answer in ("yes", "no") and not heard and absent:
        answer = absent[0]
    needed = _needed(item, answer)
    if len(ranked) < needed and absent:
        answer, needed = absent[0], 0
    chosen = ranked[: max(needed, 1)] if needed else []
    reply = {
        "evidence": [{"turn": line.turn, "quote": _sentence(line.text, wanted)} for line in chosen],
        "reason": "The turns say so." if chosen else "Every turn was read and none says so.",
        "answer": answer,
        "confidence": 0.8 if heard else 0.6,
    }
    return {"applicable": True, **reply} if "applicable" in fields else reply


def _needed(item: str, answer: Any) -> int:
    """How many quotes the form asks for with this answer."""
    names = [f"`{one}`" for one in (answer if isinstance(answer, list) else [answer])]
    for count, answers in re.findall(r"at least (\d+) for ((?:`[^`]+`(?:, )?)+)", item):
        if any(name in answers for name in names):
            return int(count)
    return int(found[1]) if (found := re.search(r"^Quotes: [^;]*; at least (\d+)$", item, re.MULTILINE)) else 0


def _sentence(text: str, wanted: set[str]) -> str:
    """The sentence that shares most with the item. Whole, for words cut off beside a negation prove nothing."""
    sentences = [one.strip() for one in re.split(r"(?<=[.?!؟])\s+|(?<=。)", text) if one.strip()]
    return max(sentences, key=lambda one: len(wanted & _words(one)), default=text)


def _counts(line: Line, who: str) -> bool:
    match who:
        case "the evaluated agent":
            return "(evaluated)" in line.speaker
        case "the agent":
            return line.speaker.startswith("agent") or "(evaluated)" in line.speaker
        case "the customer":
            return line.speaker.startswith("customer")
        case _:
            return True


def _pick(shape: dict[str, Any], *, heard: bool) -> Any:
    for part in shape.get("anyOf", [shape]):
        match part.get("type"):
            case "string" if "enum" in part:
                options = part["enum"]
                if options == ["yes", "no"]:
                    return "yes" if heard else "no"
                return options[-1] if heard and options[0].lstrip("-").isdigit() else options[0]
            case "string":
                return "As the transcript says."
            case "array":
                return part["items"]["enum"][:1] if heard else []
            case "number" | "integer":
                return 1
    return None


# ── The server ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Exchange:
    """One chat request and the means to answer it."""

    request: dict[str, Any]
    writer: asyncio.StreamWriter
    stub: StubEndpoint
    path: str = "/v1/chat/completions"
    answered: bool = False

    def send(
        self, status: int, body: Any, headers: dict[str, str] | None = None, kind: str = "application/json"
    ) -> None:
        """One HTTP answer; `body` is JSON unless it is bytes."""
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        lines = [
            f"HTTP/1.1 {status} X",
            f"content-type: {kind}",
            f"content-length: {len(data)}",
            "x-request-id: req-stub",
        ]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        answer = "\r\n".join(lines).encode() + b"\r\n\r\n" + data
        if self.stub.canned and self.request:
            self.stub._can = answer
        self.writer.write(answer)
        self.answered = True

    def complete(self, said: Any, *, finish: str | None = None, **message: Any) -> None:
        """A chat completion whose text or tool arguments are `said` (a text as it stands, else as JSON).

        Anything in `message` goes into the message as it is, and there is no tool call but one that stands there.
        """
        text = said if isinstance(said, str) or said is None else json.dumps(said, ensure_ascii=False)
        reply: dict[str, Any] = {"role": "assistant", "content": text, **message}
        as_tool = bool(self.request.get("tools")) and text is not None and not message
        if as_tool:
            name = self.request["tools"][0]["function"]["name"]
            call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": text}}
            reply = {"role": "assistant", "content": None, "tool_calls": [call]}
        prompt = len(json.dumps(self.request["messages"])) // 4
        usage = {
            "prompt_tokens": prompt,
            "completion_tokens": len(text or "") // 4,
            "total_tokens": prompt + len(text or "") // 4,
            "prompt_tokens_details": {"cached_tokens": prompt // 2},
            "completion_tokens_details": {"reasoning_tokens": 7},
        }
        self.send(
            200,
            {
                "id": "chatcmpl-stub",
                "object": "chat.completion",
                "created": 1,
                "model": "stub-model-2026",
                "usage": usage,
                "choices": [
                    {
                        "index": 0,
                        "message": reply,
                        "finish_reason": finish or ("tool_calls" if as_tool else "stop"),
                        "logprobs": None,
                    }
                ],
            },
        )


@dataclass
class StubEndpoint:
    """The endpoint's state. `refuses` gets every request first and may answer it with an error."""

    latency: float = 0.0
    acts: list[Act] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    refuses: Callable[[Exchange], bool] | None = None
    models: Any = field(
        default_factory=lambda: {
            "object": "list",
            "data": [{"id": "stub", "object": "model", "created": 1, "owned_by": "t"}],
        }
    )
    model_list_status: int = 200
    keep_requests: bool = True
    canned: bool = False
    _can: bytes = b""
    base_url: str = ""
    in_flight: int = 0
    most_in_flight: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive until the client or an act ends it."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, _, rest = head.decode("latin-1").partition("\r\n")
                method, path, _ = first.split(" ", 2)
                length = re.search(r"^content-length: *(\d+)", rest, re.IGNORECASE | re.MULTILINE)
                body = await reader.readexactly(int(length[1])) if length else b""
                if not await self._answer(method, path, body, writer):
                    break
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, method: str, path: str, body: bytes, writer: asyncio.StreamWriter) -> bool:
        if method == "GET":
            Exchange({}, writer, self, path).send(self.model_list_status, self.models)
            return True
        if self._can:
            await asyncio.sleep(self.latency)
            writer.write(self._can)
            return True
        exchange = Exchange(json.loads(body), writer, self, path)
        if self.keep_requests:
            self.requests.append(exchange.request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.refuses is not None and self.refuses(exchange):
                return True
            act = self.acts.pop(0) if self.acts else sensible
            if (waiting := act(exchange)) is not None:
                await waiting
            return exchange.answered
        finally:
            self.in_flight -= 1


async def sensible(exchange: Exchange) -> None:
    """The default: a sensible answer after the endpoint's latency."""
    if exchange.stub.latency:
        await asyncio.sleep(exchange.stub.latency)
    exchange.complete(sensible_answers(exchange.request))


# ── Acts ────────────────────────────────────────────────────────────────────────────────────────────────────────


def says(content: Any, **more: Any) -> Act:
    """A completion with just this content."""
    return lambda exchange: exchange.complete(content, **more)


def says_instead(**answers: Any) -> Act:
    """The sensible answers with these fields replaced; a field given as None is left out.

    A function gets the sensible answer and returns another.
    """

    def act(exchange: Exchange) -> None:
        reply = sensible_answers(exchange.request)
        for name, value in answers.items():
            if value is None:
                reply.pop(name, None)
            elif name in reply:
                reply[name] = value(reply[name]) if callable(value) else reply[name] | value
        exchange.complete(reply)

    return act


def wraps(before: str, after: str) -> Act:
    """The sensible answer with text around it."""
    return lambda exchange: exchange.complete(before + json.dumps(sensible_answers(exchange.request)) + after)


def fails(status: int, body: Any = None, **headers: str) -> Act:
    """An HTTP error; header names are given with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = body if body is not None else {"error": {"message": f"status {status}", "type": "stub"}}
    return lambda exchange: exchange.send(status, answer, named)


def drops(exchange: Exchange) -> None:
    """The connection ends without an answer."""
    exchange.writer.close()


def drops_halfway(exchange: Exchange) -> None:
    """The connection ends in the middle of the body."""
    exchange.writer.write(b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n{"id":')
    exchange.writer.close()


def hangs(seconds: float) -> Act:
    """Silence, then the connection ends."""

    async def act(_: Exchange) -> None:
        await asyncio.sleep(seconds)

    return act


def trickles(seconds: float) -> Act:
    """White space every 50 ms: never silent, never done."""

    async def act(exchange: Exchange) -> None:
        exchange.writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        for _ in range(int(seconds / 0.05)):
            exchange.writer.write(b"1\r\n \r\n")
            await asyncio.sleep(0.05)

    return act


def cut_after(share: float) -> Act:
    """The sensible answer cut off at the output limit, after this share of its characters."""

    def act(exchange: Exchange) -> None:
        text = json.dumps(sensible_answers(exchange.request))
        exchange.complete(text[: int(len(text) * share)], finish="length")

    return act


def page(exchange: Exchange) -> None:
    """An HTML page with status 200, as a proxy sends it."""
    exchange.send(200, b"<html><body>Please sign in</body></html>", kind="text/html")


def refuses(exchange: Exchange) -> None:
    """The model declines."""
    exchange.complete(None, refusal="I cannot help with that.")


def no_choices(exchange: Exchange) -> None:
    """A completion with nothing in it."""
    exchange.send(200, {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": []})


def refuses_when(
    word: str, condition: Callable[[dict[str, Any]], bool], status: int = 400
) -> Callable[[Exchange], bool]:
    """An endpoint that refuses, naming `word`, every request for which the condition holds."""

    def check(exchange: Exchange) -> bool:
        if not condition(exchange.request):
            return False
        exchange.send(
            status, {"error": {"message": f"Unsupported: {word}", "type": "invalid_request_error", "param": word}}
        )
        return True

    return check


# ── Running ─────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def running(stub: StubEndpoint | None = None, port: int = 0) -> Iterator[StubEndpoint]:
    """The endpoint in a thread of its own, until the block ends."""
    stub = stub or StubEndpoint()
    loop, ready = asyncio.new_event_loop(), threading.Event()

    async def live() -> None:
        server = await asyncio.start_server(stub.serve, "127.0.0.1", port, limit=2**24, backlog=512)
        stub.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        stub_stop.append(loop.create_future())
        ready.set()
        await stub_stop[0]
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)

    stub_stop: list[asyncio.Future[None]] = []
    thread = threading.Thread(target=lambda: loop.run_until_complete(live()), daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        yield stub
    finally:
        loop.call_soon_threadsafe(stub_stop[0].set_result, None)
        thread.join(5)
        loop.close()


async def _forever(port: int, latency: float, *, canned: bool) -> None:
    stub = StubEndpoint(latency=latency, keep_requests=False, canned=canned)
    server = await asyncio.start_server(stub.serve, "127.0.0.1", port, limit=2**24, backlog=512)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A sensible stub model, OpenAI-compatible, on loopback.")
    parser.add_argument("--port", type=int, default=8398)
    parser.add_argument("--latency", type=float, default=0.0, help="Seconds before each answer.")
    parser.add_argument("--canned", action="store_true", help="Repeat the first answer unread, to measure clients.")
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(_forever(options.port, options.latency, canned=options.canned))
