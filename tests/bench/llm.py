"""What an LLM evaluation costs this process, beside the bare openai client on the same stub.

    python -m tests.bench.llm

The stub model runs in a process of its own. Two ratios are printed: CPU milliseconds per evaluation of a 20-item
rubric over the bare client's (which sends the same request and decodes the same JSON, and proves nothing), and wall
time of 100 evaluations at concurrency 64 with 200 ms latency over the ideal (two waves, 0.4 s).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import httpx2
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from service.cli.wiring import settle_memory
from service.conversation import Conversation
from service.drafting import Drafter, Question
from service.llm.customs import Customs, shaped
from service.llm.model import ConnectedModel, connect_model
from service.prompting import PromptLibrary
from service.proving import Reading
from service.rubric import Rubric
from service.settings import LLMSettings
from service.verdict import reply_shape
from tests.builders import a_conversation, a_rubric, an_item

ROOT = Path(__file__).resolve().parents[2]
EVALUATIONS, CONCURRENCY, LATENCY = 100, 64, 0.2
IDEAL = -(-EVALUATIONS // CONCURRENCY) * LATENCY


def the_rubric() -> Rubric:
    """Twenty items of the usual kinds, each with guidance."""
    topics = [
        "greeting",
        "name",
        "account",
        "refund",
        "invoice",
        "delivery",
        "delay",
        "apology",
        "option",
        "solution",
        "price",
        "plan",
        "address",
        "payment",
    ]
    items = []
    for number in range(20):
        topic = topics[number % len(topics)]
        kinds = (
            {},
            {
                "answer": {
                    "type": "scale",
                    "levels": [
                        {"value": level, "anchor": f"{topic} handled at level {level}"} for level in range(1, 6)
                    ],
                }
            },
        )
        items.append(
            an_item(
                f"item_{number}",
                question=f"Did the agent handle the {topic} of the customer as they should?",
                guidance=f"A good agent mentions the {topic} early, plainly and correctly, and checks that it was understood. "
                * 2,
            )
            | kinds[number % 4 == 3]
        )
    return a_rubric(*items)


def the_conversations(count: int) -> list[Conversation]:
    """Calls of sixty turns that differ in one number."""
    pairs = [
        (
            "agent: Thank you for calling, how can I help you with your invoice or delivery today?",
            "customer: Well, um, the delivery is late again. My order number is {n}.",
        ),
        (
            "agent: I am sorry about the delay, let me look at the address and the payment for you.",
            "customer: Sure, the address is 12 Long Lane, and the payment went through on the third of May.",
        ),
    ]
    lines = [line for index in range(15) for pair in pairs for line in pair]
    return [
        a_conversation(*(line.replace("{n}", str(4000 + number)) for line in lines), id=f"c-{number}")
        for number in range(count)
    ]


@contextlib.contextmanager
def stub_process(latency: float) -> Iterator[str]:
    """The stub model in a process of its own; yields its base URL."""
    command = [sys.executable, "-m", "tests.stub_endpoint", "--port", "0", "--latency", str(latency), "--canned"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


async def measured(
    evaluate: Callable[[Conversation], Awaitable[object]], conversations: list[Conversation], concurrency: int
) -> tuple[float, float]:
    """Wall seconds and CPU milliseconds per evaluation, after three to warm up."""
    slots = asyncio.Semaphore(concurrency)

    async def one(conversation: Conversation) -> None:
        async with slots:
            await evaluate(conversation)

    await asyncio.gather(*(one(conversation) for conversation in conversations[:3]))
    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one(conversation) for conversation in conversations))
    return time.perf_counter() - wall, (time.process_time() - cpu) / len(conversations) * 1000


def bare(
    base_url: str, rubric: Rubric, prompts: PromptLibrary
) -> tuple[Callable[[Conversation], Awaitable[object]], AsyncOpenAI]:
    """The same request by the openai client alone: rendered, sent, decoded."""
    limits = httpx2.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY)
    client = AsyncOpenAI(
        api_key="x", base_url=base_url, max_retries=0, http_client=DefaultAsyncHttpxClient(limits=limits)
    )
    shape, prompt = reply_shape(rubric, rubric.items), prompts.get("score")
    request = shaped("json_schema", shape, Customs())

    async def evaluate(conversation: Conversation) -> object:
        rendered = prompt.render(rubric, shape, conversation, language="en")
        messages = [message.model_dump() for message in rendered.messages]
        reply = await client.chat.completions.create(
            model="stub", messages=messages, max_tokens=8000, temperature=0, **request
        )
        return json.loads(reply.choices[0].message.content)

    return evaluate, client


def asking(
    model: ConnectedModel, rubric: Rubric, prompts: PromptLibrary
) -> Callable[[Conversation], Awaitable[object]]:
    """The model asked through instructor, tenacity and openai, with every reply taken as it is: nothing proven or scored."""
    shape, prompt = reply_shape(rubric, rubric.items), prompts.get("score")
    nothing_open = Reading(shape, {})

    async def evaluate(conversation: Conversation) -> object:
        rendered = prompt.render(rubric, shape, conversation, language="en")
        reply = await model.ask(
            Question("form", rendered.messages, shape, lambda raw, _: [json.loads(raw or ""), nothing_open][1])
        )
        assert reply.failure is None
        return reply

    return evaluate


async def compare(latency: float, concurrency: int) -> dict[str, tuple[float, float]]:
    """All three ways on one stub process."""
    rubric, prompts = the_rubric(), PromptLibrary(ROOT / "prompts")
    found: dict[str, tuple[float, float]] = {}
    with stub_process(latency) as base_url:
        evaluate, client = bare(base_url, rubric, prompts)
        found["bare"] = await measured(evaluate, the_conversations(EVALUATIONS), concurrency)
        await client.close()
        model = connect_model(LLMSettings(model="stub", base_url=base_url, mode="json_schema"), customs=Customs())
        assert model is not None
        found["asking"] = await measured(asking(model, rubric, prompts), the_conversations(EVALUATIONS), concurrency)
        drafter = Drafter(model=model, prompts=prompts)

        async def draft(conversation: Conversation) -> object:
            made = await drafter.draft(conversation, rubric, engine="llm")
            assert all(item.state != "unscored" for item in made.items), "the stub's answers must all stand"
            return made

        found["assay"] = await measured(draft, the_conversations(EVALUATIONS), concurrency)
        await model.close()
    return found


def main() -> None:
    """Print both comparisons, memory settled as the service settles it."""
    settle_memory()
    for concurrency in (1, CONCURRENCY):
        found = asyncio.run(compare(0.0, concurrency))
        ours, asked, theirs = found["assay"][1], found["asking"][1], found["bare"][1]
        print(
            f"CPU per 20-item evaluation, concurrency {concurrency:>2}: {ours:5.2f} ms, ratio {ours / theirs:.2f}; of it asking (re-ask, retry, ledger) {asked:5.2f} ms, ratio {asked / theirs:.2f}; bare openai client {theirs:5.2f} ms"
        )
    found = asyncio.run(compare(LATENCY, CONCURRENCY))
    ours, theirs = found["assay"][0], found["bare"][0]
    print(
        f"{EVALUATIONS} evaluations at concurrency {CONCURRENCY}, {LATENCY * 1000:.0f} ms latency: {ours:.2f} s; bare {theirs:.2f} s; ideal {IDEAL:.2f} s; ratio to ideal {ours / IDEAL:.2f}"
    )


if __name__ == "__main__":
    main()
