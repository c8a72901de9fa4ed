"""Endpoints that limit, fail, hang and drop: who retries what, for how long, and what is on record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate

import httpx2
import openai
import pytest

from service.llm.model import ConnectedModel
from service.llm.patience import retry_after
from service.scorecard import Draft
from tests.builders import a_conversation
from tests.llm.conftest import drafter_with, the_call, the_form
from tests.stub_endpoint import StubEndpoint, drops, drops_halfway, fails, hangs, sensible, trickles

Connect = Callable[..., ConnectedModel]


def outcomes(draft: Draft) -> list[str]:
    return [call.outcome for call in draft.provenance.calls]


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504])
async def test_a_passing_failure_is_retried_and_recorded(
    stub_endpoint: StubEndpoint, connect: Connect, status: int
) -> None:
    stub_endpoint.acts = [fails(status, retry_after="0")]

    draft = await drafter_with(connect()).draft(the_call(), the_form())

    assert [item.state for item in draft.items] == ["answered"] * 4
    assert len(outcomes(draft)) == 2
    assert outcomes(draft)[1] == "ok"


@pytest.mark.parametrize("act", [drops, drops_halfway])
async def test_a_dropped_connection_is_retried(stub_endpoint: StubEndpoint, connect: Connect, act) -> None:
    stub_endpoint.acts = [act]

    draft = await drafter_with(connect()).draft(the_call(), the_form())

    assert outcomes(draft) == ["APIConnectionError", "ok"]


async def test_silence_times_out_and_is_retried(stub_endpoint: StubEndpoint, connect: Connect) -> None:
    stub_endpoint.acts = [hangs(5)]

    draft = await drafter_with(connect(timeout_seconds=0.3)).draft(the_call(), the_form())

    assert outcomes(draft) == ["APITimeoutError", "ok"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_refused_request_is_not_retried(stub_endpoint: StubEndpoint, connect: Connect, status: int) -> None:
    stub_endpoint.acts = [fails(status)]

    draft = await drafter_with(connect()).draft(the_call(), the_form())

    assert len(stub_endpoint.requests) == 1
    assert {item.unscored_reason for item in draft.items} == {"model_misconfigured"}
    assert str(status) in draft.items[0].reason


async def test_an_endpoint_that_stays_down_leaves_the_items_unscored_with_every_attempt_on_record(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    stub_endpoint.acts = [fails(503, retry_after="0")] * 9

    draft = await drafter_with(connect(max_attempts=3)).draft(the_call(), the_form())

    assert {item.unscored_reason for item in draft.items} == {"model_unavailable"}
    assert outcomes(draft) == ["InternalServerError"] * 3
    assert [call.attempt for call in draft.provenance.calls] == [1, 2, 3]
    assert len(stub_endpoint.requests) == 3


async def test_nobody_listening_is_unavailable(connect: Connect) -> None:
    model = connect(base_url="http://127.0.0.1:9/v1", max_attempts=2)

    draft = await drafter_with(model).draft(the_call(), the_form())

    assert {item.unscored_reason for item in draft.items} == {"model_unavailable"}


async def test_retry_after_is_honoured(stub_endpoint: StubEndpoint, connect: Connect) -> None:
    stub_endpoint.acts = [fails(429, retry_after="0.4")]
    started = time.perf_counter()

    await drafter_with(connect()).draft(the_call(), the_form())

    assert 0.4 <= time.perf_counter() - started < 8


async def test_a_retry_after_beyond_the_deadline_gives_up_at_once(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    stub_endpoint.acts = [fails(429, retry_after="70")] * 3
    started = time.perf_counter()

    draft = await drafter_with(connect(deadline_seconds=5)).draft(the_call(), the_form())

    assert time.perf_counter() - started < 4
    assert {item.unscored_reason for item in draft.items} == {"model_unavailable"}
    assert len(stub_endpoint.requests) == 1


async def test_an_exhausted_quota_is_not_waited_for(stub_endpoint: StubEndpoint, connect: Connect) -> None:
    stub_endpoint.acts = [fails(429, {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}})]

    draft = await drafter_with(connect()).draft(the_call(), the_form())

    assert len(stub_endpoint.requests) == 1
    assert {item.unscored_reason for item in draft.items} == {"model_misconfigured"}


async def test_the_deadline_stands_outside_of_a_reply_that_trickles_without_end(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    stub_endpoint.acts = [trickles(20)]
    started = time.perf_counter()

    draft = await drafter_with(connect(deadline_seconds=0.5, timeout_seconds=5)).draft(the_call(), the_form())

    assert time.perf_counter() - started < 10
    assert {item.unscored_reason for item in draft.items} == {"model_unavailable"}
    assert outcomes(draft) == ["DeadlinePassed"]


async def test_cancelling_the_caller_cancels_the_call(stub_endpoint: StubEndpoint, connect: Connect) -> None:
    stub_endpoint.acts = [hangs(20)]
    task = asyncio.create_task(drafter_with(connect()).draft(the_call(), the_form()))
    while not stub_endpoint.requests:  # noqa: ASYNC110 - the server lives in another thread
        await asyncio.sleep(0.01)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_concurrency_is_limited(stub_endpoint: StubEndpoint, connect: Connect) -> None:
    stub_endpoint.latency = 0.05
    drafter = drafter_with(connect(concurrency=3))

    await asyncio.gather(*(drafter.draft(a_conversation(id=f"c-{number}"), the_form()) for number in range(12)))

    assert stub_endpoint.most_in_flight == 3


async def test_waiting_for_a_slot_does_not_eat_the_deadline(stub_endpoint: StubEndpoint, connect: Connect) -> None:
    stub_endpoint.latency = 0.5
    drafter = drafter_with(connect(concurrency=1, deadline_seconds=2))

    drafts = await asyncio.gather(*(drafter.draft(a_conversation(id=f"c-{n}"), the_form()) for n in range(5)))

    assert all(item.state != "unscored" for draft in drafts for item in draft.items)


async def test_attempts_of_concurrent_calls_are_not_mixed_up(stub_endpoint: StubEndpoint, connect: Connect) -> None:
    """64 calls that each fail twice make 192 requests: no retry object is shared."""
    seen: dict[str, int] = {}

    def fail_twice(exchange) -> bool:
        key = exchange.request["messages"][-1]["content"]
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= 2:
            fails(503, retry_after="0")(exchange)
            return True
        return False

    stub_endpoint.refuses = fail_twice
    drafter = drafter_with(connect())
    conversations = [a_conversation(f"agent: Hello number {number}", id=f"c-{number}") for number in range(64)]

    drafts = await asyncio.gather(*(drafter.draft(one, the_form()) for one in conversations))

    assert len(stub_endpoint.requests) == 192
    assert all(outcomes(draft) == ["InternalServerError", "InternalServerError", "ok"] for draft in drafts)


async def test_readings_of_concurrent_calls_are_not_mixed_up(stub_endpoint: StubEndpoint, connect: Connect) -> None:
    """Every reply is checked against its own transcript: the sitting is the task's own."""
    stub_endpoint.latency = 0.02
    drafter = drafter_with(connect())
    conversations = [
        a_conversation(f"agent: Hello and welcome to line {number}", id=f"c-{number}") for number in range(40)
    ]

    drafts = await asyncio.gather(*(drafter.draft(one, the_form()) for one in conversations))

    for number, draft in enumerate(drafts):
        quotes = [one.quote for item in draft.items for one in item.evidence]
        assert quotes
        assert set(quotes) == {f"Hello and welcome to line {number}"}


# ── Retry-After ─────────────────────────────────────────────────────────────────────────────────────────────────


def limited(**headers: str) -> openai.RateLimitError:
    request = httpx2.Request("POST", "http://x/v1")
    return openai.RateLimitError("limit", response=httpx2.Response(429, headers=headers, request=request), body=None)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": formatdate(1_800_000_030, usegmt=True)}, 30.0),
        ({"retry-after": formatdate(1_700_000_000, usegmt=True)}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_as_seconds_milliseconds_or_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(limited(**headers), clock=1_800_000_000) == seconds


# ── Readiness ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_ready_looks_once_and_remembers(stub_endpoint: StubEndpoint, connect: Connect) -> None:
    model = connect()

    first = await model.ready()
    stub_endpoint.model_list_status = 500
    second = await model.ready()

    assert first.ready
    assert second is first


@pytest.mark.parametrize(("status", "ready"), [(401, False), (403, False), (404, True), (500, False)])
async def test_ready_says_whether_the_endpoint_takes_us(
    stub_endpoint: StubEndpoint, connect: Connect, status: int, ready: bool
) -> None:
    stub_endpoint.model_list_status = status

    readiness = await connect().ready()

    assert readiness.ready is ready
    assert readiness.detail


async def test_a_model_that_is_not_listed_is_mentioned(connect: Connect) -> None:
    readiness = await connect(model="other").ready()

    assert readiness.ready
    assert "other" in readiness.detail


async def test_nobody_listening_is_not_ready(connect: Connect) -> None:
    assert not await connect(base_url="http://127.0.0.1:9/v1").ready()


async def test_a_slow_but_sound_endpoint_is_used_through_one_shared_pool(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    stub_endpoint.latency = 0.1
    stub_endpoint.acts = [sensible] * 4
    drafter = drafter_with(connect())

    for _ in range(2):
        draft = await drafter.draft(the_call(), the_form())

        assert draft.provenance.calls[0].latency_seconds >= 0.1
