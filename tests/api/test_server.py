"""The service as it runs: a real server, real sockets, a database file, a signal to stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import HELLO, problem_of
from tests.conftest import ROOT

ASK = {"conversation": HELLO, "rubric": "desk"}


class Server:
    """A uvicorn of its own, from start to stop."""

    def __init__(self, factory: str, database: str, shelf: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        environment = os.environ | {"ASSAY_DATABASE_URL": database, "ASSAY_RUBRICS_PATH": str(shelf)}
        arguments = ["-m", "uvicorn", factory, "--factory", "--port", str(port), "--no-access-log"]
        self.process = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
        )

    def wait_until_ready(self) -> None:
        for _ in range(300):
            try:
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
            assert self.process.poll() is None, self.process.stderr.read()
        pytest.fail("the server did not become ready")

    def stop(self) -> str:
        """Ask it to stop; what it has written to standard error."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=30)[1]


@pytest.fixture
def database(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The address of an empty database: SQLite, unless the test asks for another."""
    if getattr(request, "param", "sqlite") == "postgresql":
        return request.getfixturevalue("postgres_address")
    return f"sqlite:///{tmp_path / 'assay.db'}"


@pytest.fixture
def servers(database: str, shelf: Path) -> Iterator[type[Server]]:
    """Starts servers on one database; whatever still runs is stopped."""
    started: list[Server] = []

    def start(factory: str = "service.app:create_app") -> Server:
        started.append(Server(factory, database, shelf))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.process.kill()
            server.process.communicate()


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
async def test_twenty_posts_with_one_key_to_two_processes_make_one_evaluation(servers):
    pair = [servers("tests.api.serving:slow"), servers("tests.api.serving:slow")]
    for server in pair:
        server.wait_until_ready()

    async with httpx.AsyncClient(timeout=30) as client:
        posts = [
            client.post(f"{pair[n % 2].url}/v1/evaluations", json=ASK, headers={"Idempotency-Key": "one"})
            for n in range(20)
        ]
        answers = await asyncio.gather(*posts)
        listed = (await client.get(f"{pair[0].url}/v1/evaluations")).json()["evaluations"]

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert len(listed) == 1
    assert len(listed[0]["href"]) > 0


async def test_a_server_that_is_told_to_stop_finishes_what_it_began(servers):
    server = servers("tests.api.serving:slow")
    server.wait_until_ready()

    async with httpx.AsyncClient(timeout=30) as client:
        pending = asyncio.create_task(client.post(f"{server.url}/v1/evaluations", json=ASK))
        await asyncio.sleep(0.5)
        written = await asyncio.to_thread(server.stop)
        answer = await pending

    assert answer.status_code == 201
    assert server.process.returncode in (0, -signal.SIGTERM)
    assert "Traceback" not in written
    assert json.loads(next(line for line in written.splitlines() if '"POST"' in line))["status"] == 201


def test_what_one_process_stored_the_next_one_reads(servers):
    first = servers()
    first.wait_until_ready()
    made = httpx.post(f"{first.url}/v1/evaluations", json=ASK)
    first.stop()

    second = servers()
    second.wait_until_ready()

    assert httpx.get(f"{second.url}{made.headers['location']}").content == made.content


def test_a_body_that_grows_beyond_the_limit_is_refused_without_its_length_being_told(servers):
    server = servers()
    server.wait_until_ready()
    body = json.dumps(ASK | {"conversation": HELLO | {"metadata": {"padding": "x" * 2_100_000}}}).encode()

    def pieces() -> Iterator[bytes]:
        yield from (body[start : start + 100_000] for start in range(0, len(body), 100_000))

    answer = httpx.post(f"{server.url}/v1/evaluations", content=pieces(), headers={"content-type": "application/json"})

    problem_of(answer, 413, "body-too-large")


async def test_a_long_conversation_being_drafted_does_not_stop_the_others(servers):
    """While 5,000 turns are drafted by cues, the health check goes on answering."""
    server = servers()
    server.wait_until_ready()
    turns = [
        {"speaker": ("agent", "customer")[n % 2], "text": f"Well, that is sentence {n} of this long call."}
        for n in range(5_000)
    ]

    async with httpx.AsyncClient(timeout=60) as client:
        long = asyncio.create_task(
            client.post(f"{server.url}/v1/evaluations", json=ASK | {"conversation": {"turns": turns}, "engine": "cues"})
        )
        waits = []
        while not long.done():
            start = time.perf_counter()
            await client.get(f"{server.url}/healthz")
            waits.append(time.perf_counter() - start)
            await asyncio.sleep(0.01)

    assert (await long).status_code == 201
    assert max(waits) < 1
