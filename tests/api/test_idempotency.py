"""One key, one evaluation: under concurrency, slowness, failure and death."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from service.api.catalogue import Catalogue
from service.api.evaluating import Evaluating, Patience
from service.api.shapes import EvaluationRequest
from service.drafting import Drafter, Reply
from service.errors import ConversationRejected, EvaluationInProgress, IdempotencyKeyReused, ModelUnavailable
from service.library import RubricLibrary
from service.prompting import PromptLibrary
from service.settings import Limits
from service.store import EvaluationFilter, MemoryStore, Replay, SqlStore, Store
from tests.api.conftest import HELLO
from tests.conftest import ROOT
from tests.scripted_model import ScriptedModel

QUICK = Patience(lease=0.6, wait=20, longest_pause=0.05)


class SlowModel(ScriptedModel):
    """A model that is down, and takes its time to say so."""

    def __init__(self, seconds: float) -> None:
        super().__init__(ModelUnavailable("the endpoint did not answer"))
        self.seconds = seconds

    async def ask(self, question: Any) -> Reply:
        await asyncio.sleep(self.seconds)
        return await super().ask(question)


def evaluating(shelf: Path, store: Store, model: Any = None, patience: Patience = QUICK) -> Evaluating:
    return Evaluating(
        store=store,
        drafter=Drafter(model=model, prompts=PromptLibrary(ROOT / "prompts")),
        catalogue=Catalogue(RubricLibrary(shelf), store),
        limits=Limits(),
        patience=patience,
    )


def ask(**changes: Any) -> EvaluationRequest:
    return EvaluationRequest(**{"conversation": HELLO, "rubric": "desk"} | changes)


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path):
    made = MemoryStore() if request.param == "memory" else SqlStore(f"sqlite:///{tmp_path / 'assay.db'}")
    await made.open()
    yield made
    await made.close()


async def break_off(task: asyncio.Task[Any]) -> None:
    """The request is cancelled, as a server does with one that outlives its patience, and has ended."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def count(store: Store) -> int:
    return len((await store.evaluations(EvaluationFilter())).items)


async def test_of_many_at_once_one_drafts_and_all_get_its_answer(store, shelf: Path):
    model = SlowModel(0.2)
    use = evaluating(shelf, store, model)

    outcomes = await asyncio.gather(*[use.evaluate(ask(), "k") for _ in range(20)])

    assert len(model.questions) == 1
    assert len({outcome.draft.id for outcome in outcomes}) == 1
    assert sum(outcome.replayed for outcome in outcomes) == 19
    assert all(outcome.draft == outcomes[0].draft for outcome in outcomes)
    assert await count(store) == 1


async def test_a_slow_model_does_not_lose_the_claim_to_its_lease(store, shelf: Path):
    """The work takes three leases; the claim is renewed, so the second request waits instead of paying again."""
    model = SlowModel(1.8)
    use = evaluating(shelf, store, model)

    first = asyncio.create_task(use.evaluate(ask(), "k"))
    await asyncio.sleep(0.9)
    second = await use.evaluate(ask(), "k")

    assert second.replayed
    assert second.draft == (await first).draft
    assert len(model.questions) == 1


async def test_no_connection_is_held_while_a_model_is_at_work(shelf: Path, tmp_path: Path):
    store = SqlStore(f"sqlite:///{tmp_path / 'assay.db'}")
    await store.open()
    held = []

    class Watching(SlowModel):
        async def ask(self, question: Any) -> Reply:
            held.append(store._engine.pool.checkedout())
            return await super().ask(question)

    await evaluating(shelf, store, Watching(0), Patience()).evaluate(ask(), "k")
    await store.close()

    assert held == [0]


async def test_a_request_that_was_broken_off_leaves_its_key_free(store, shelf: Path):
    use = evaluating(shelf, store, SlowModel(5), Patience(lease=60))
    broken = asyncio.create_task(use.evaluate(ask(), "k"))
    await asyncio.sleep(0.1)
    await break_off(broken)

    again = await asyncio.wait_for(evaluating(shelf, store).evaluate(ask(), "k"), timeout=2)

    assert not again.replayed


async def test_a_process_that_died_does_not_lock_its_key_for_longer_than_the_lease(store, shelf: Path):
    """The claim of the dead process is never renewed and never released."""
    use = evaluating(shelf, store)
    await use._claimed("k", "sha256:of-the-same-body")  # and then its process is killed

    heir = await asyncio.wait_for(use._claimed("k", "sha256:of-the-same-body"), timeout=2)

    assert not isinstance(heir, Replay)


async def test_whoever_waits_too_long_is_told_to_repeat(store, shelf: Path):
    use = evaluating(shelf, store, SlowModel(2), Patience(lease=60, wait=0.1))
    first = asyncio.create_task(use.evaluate(ask(), "k"))
    await asyncio.sleep(0.05)

    with pytest.raises(EvaluationInProgress):
        await use.evaluate(ask(), "k")
    await break_off(first)


async def test_another_body_is_refused_while_the_first_is_still_at_work(store, shelf: Path):
    use = evaluating(shelf, store, SlowModel(2))
    first = asyncio.create_task(use.evaluate(ask(), "k"))
    await asyncio.sleep(0.1)

    with pytest.raises(IdempotencyKeyReused):
        await use.evaluate(ask(language="fa"), "k")
    await break_off(first)


async def test_a_failure_of_the_first_lets_a_waiting_one_try(store, shelf: Path):
    """The first request fails because its caller demands completeness; one that waits then makes its own attempt."""
    use = evaluating(shelf, store, SlowModel(0.2))
    demanding = ask(require_complete=True)

    outcomes = await asyncio.gather(*[use.evaluate(demanding, "k") for _ in range(3)], return_exceptions=True)

    assert [type(one).__name__ for one in outcomes] == ["DraftIncomplete"] * 3
    assert await count(store) == 3


async def test_a_key_changes_nothing_about_a_body_that_nests_too_deeply(store, shelf: Path):
    deep: Any = []
    for _ in range(300):
        deep = [deep]

    for key in (None, "k"):
        with pytest.raises(ConversationRejected, match="deep"):
            await evaluating(shelf, store).evaluate(ask(conversation=HELLO | {"metadata": {"x": deep}}), key)


async def test_requests_without_a_key_are_each_their_own(store, shelf: Path):
    use = evaluating(shelf, store)

    await asyncio.gather(*[use.evaluate(ask()) for _ in range(5)])

    assert await count(store) == 5
