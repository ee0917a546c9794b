"""The campaign of rolling deploys sees what breaks: answers that are none, lost and doubled effects, bad exits."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from itertools import islice

import pytest

from tests.bench.consumers_seed import Started
from tests.bench.e2e_load import News
from tests.soak import rolls
from tests.soak.deliveries import TELLING, Deliveries, Delivery, Sent, webhooks
from tests.soak.endpoints import Endpoints, service
from tests.soak.fleet import Exit
from tests.soak.kept import Found, Kept, judge

KEY = "a-webhook-key"
NEWS = News("patient", "lab", "failed")
TOLD = Sent("told", b"", NEWS)
PASSED_ON = Sent("passed-on", b"")
ONE_EACH = {sha256(one.message_id.encode()).hexdigest(): 1 for one in (TOLD, PASSED_ON)}


def test_what_is_kept_once_is_neither_lost_nor_doubled() -> None:
    assert judge([TOLD, PASSED_ON], ONE_EACH, {NEWS: {"event"}}) == Kept()


def test_a_webhook_without_its_row_or_its_event_is_lost() -> None:
    assert judge([PASSED_ON], {}, {}).lost == [Found("passed-on", 0, None)]
    assert judge([TOLD], ONE_EACH, {}).lost == [Found("told", 1, 0)]


def test_two_rows_or_two_events_are_doubled() -> None:
    twice = dict.fromkeys(ONE_EACH, 2)
    assert judge([PASSED_ON], twice, {}).doubled == [Found("passed-on", 2, None)]
    assert judge([TOLD], ONE_EACH, {NEWS: {"one", "two"}}).doubled == [Found("told", 1, 2)]


@pytest.mark.parametrize(
    ("status", "seconds", "kind"),
    [(503, 0.1, "not_2xx"), (0, 0.1, "connection_errors"), (200, 4.5, "late")],
)
def test_each_bad_answer_is_counted_once(status: int, seconds: float, kind: str) -> None:
    deliveries = Deliveries(1, KEY, [Delivery(PASSED_ON, 0.0, seconds, status)], [0.0])
    found = rolls.figures(deliveries, Kept(), [Exit("ingress-1", 5.0, 0)])
    assert (found[kind], rolls.broken(found)) == (1, 1)


def test_a_replica_that_had_to_be_killed_is_counted() -> None:
    deliveries = Deliveries(1, KEY, [Delivery(PASSED_ON, 0.0, 0.1, 200)], [0.0])
    exits = [Exit("ingress-1", 5.0, 0), Exit("ingress-2", 70.0, -9)]
    found = rolls.figures(deliveries, Kept(), exits)
    assert (found["bad_exits"], found["exit_p99_s"], rolls.broken(found)) == (1, 70.0, 1)


def test_the_same_seed_makes_the_same_webhooks_and_some_are_told() -> None:
    query = Started("request", "patient", "subject")
    one, same = (list(islice(webhooks(random.Random(3), [query]), 30)) for _ in range(2))
    assert [sent.message_id for sent in one] == [sent.message_id for sent in same]
    told = [number for number, sent in enumerate(one) if sent.news is not None]
    assert told == [0, TELLING, 2 * TELLING]
    assert {json.loads(sent.body)["meta"]["messageId"] for sent in one} == {
        sent.message_id for sent in one
    }


async def test_statuses_and_broken_connections_are_seen_through_the_service() -> None:
    endpoints = Endpoints(random.Random(1))
    deliveries = Deliveries(0, KEY)
    async with service(endpoints):
        deliveries.port = endpoints.port
        await sent_for(deliveries, 0.1)
        assert rolls.judged(deliveries.all)["connection_errors"] == len(deliveries.all) > 0
        for answer, status in (
            (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", 503),
            (b"", 0),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200),
        ):
            deliveries.all.clear()
            async with replica(answer) as port:
                endpoints.join(port)
                await sent_for(deliveries, 0.1)
                endpoints.leave(port)
            assert {one.status for one in deliveries.all} == {status}


async def sent_for(deliveries: Deliveries, seconds: float) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, stop.set)
    await deliveries.run(webhooks(random.Random(1), []), 100.0, stop)


@asynccontextmanager
async def replica(answer: bytes) -> AsyncIterator[int]:
    """Answers so and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
