"""The campaign on the wire counts what breaks; a short one breaks nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.fuzz.wire import Answer, Outcome
from tests.ingress.running import NOWHERE, ingress_environ
from tests.overload.bench import served
from tests.soak.wire import GOOD_EVERY, Tally, judge, look_through, run, send
from tests.stack.ports import free_port

WHOLE = [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"]
HALF = [b"GET / HTTP/1.1\r\nHost: x\r\n"]


def became(*statuses: int, waited: float = 0.0, seconds: float = 0.2) -> Outcome:
    answers = tuple(Answer(status, (), b"") for status in statuses)
    return Outcome(answers, not answers, b"", seconds, waited)


@pytest.mark.parametrize(
    ("pieces", "outcome", "is_good", "harm"),
    [
        (WHOLE, became(200, waited=0.9), True, None),
        (WHOLE, became(200, waited=1.0), False, "answered after 1.00 s"),
        (WHOLE, became(100, 200, 400, waited=1.2), False, "answered after 1.20 s"),
        (WHOLE, became(408, waited=1.2), False, None),
        (WHOLE, became(408, waited=2.1), False, "answered after 2.10 s"),
        (WHOLE, became(500), False, "a fault"),
        (WHOLE, became(401), True, "a good request was answered [401]"),
        (WHOLE, became(seconds=0.1), True, "a good request was answered []"),
        (WHOLE, became(seconds=5.0), False, "a whole head was left without an answer"),
        (HALF, became(seconds=5.1), False, None),
        (HALF, became(seconds=7.0), False, "too late"),
    ],
)
def test_a_connection_is_judged_by_its_answer_and_its_time(
    pieces: list[bytes], outcome: Outcome, *, is_good: bool, harm: str | None
) -> None:
    assert judge(Tally(), outcome, pieces, is_good=is_good) == ([harm] if harm else [])


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[int]:
    """A server that says the same to everybody."""

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        await writer.drain()
        writer.close()

    port = free_port()
    async with await asyncio.start_server(reply, "127.0.0.1", port):
        yield port


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", "a fault"),
        (b"no HTTP\r\n\r\n", "GarbageError"),
        (b"HTTP/1.1 400 Bad\r\nContent-Length: 11\r\n\r\ncanary-91bd", "repeated what was sent"),
    ],
)
async def test_a_server_that_does_harm_is_counted_each_time(
    answer: bytes, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = Tally()
    async with answering(answer) as port:
        await send(tally, port, 7, range(1, 20), 10)
    assert tally.cases == tally.broken == 19
    printed = capsys.readouterr().err
    assert told in printed
    assert "--seed 7 --only " in printed


async def test_a_server_that_is_gone_is_counted() -> None:
    tally = Tally()
    await send(tally, free_port(), 7, range(5), 5)
    assert tally.broken == 5


def test_what_a_log_must_not_hold_is_found(tmp_path: Path) -> None:
    tally, log = Tally(), tmp_path / "log"
    log.write_text(
        '{"event": "webhook.published"}\n{"x": "Canary-91bd"}\n{"event": "http.handler_failed"}\n'
    )
    look_through(tally, log)
    assert tally.broken == 2


@pytest.mark.process
@pytest.mark.deep
async def test_a_short_run_breaks_nothing(tmp_path: Path) -> None:
    port, cases = free_port(), 3 * GOOD_EVERY
    environ = ingress_environ(NOWHERE, http_port=port)
    with served(tmp_path, port, "tests.soak.ingress", environ=environ) as server:
        tally, measured = await run(server, 7, range(cases), 50)
    look_through(tally, server.process.log_path)
    assert tally.broken == 0
    assert tally.cases == cases + 2
    assert tally.good == 5
    assert {"200", "400", "303"} <= set(tally.statuses)
    assert measured["connections"] == 50
