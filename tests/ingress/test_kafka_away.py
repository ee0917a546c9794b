"""Kafka away, and no database either: an honest 503 in time, and pings are answered all the same (I6)."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest
from aiohttp import ClientSession, ClientTimeout
from structlog.testing import capture_logs

from consumers.processes.ingress import ingress as ingress_role
from service.settings.roles import IngressSettings
from tests.ingress import vendor
from tests.ingress.running import NOWHERE, WEBHOOK_PATH, Ingress, ingress_settings, running
from tests.ingress.tap import Tap
from tests.stack.broker import Broker
from tests.support.waiting import until

BODY = vendor.stringify(vendor.webhook())
PING = vendor.stringify(vendor.sample("webhook.ping.json"))
PONG = vendor.sample("webhook.ping.expected-reply.json")


class Timed(NamedTuple):
    """A status and how long it took."""

    status: int
    seconds: float


async def _deliver(ingress: Ingress, body: bytes) -> Timed:
    begun = time.monotonic()
    response = await ingress.deliver(body)
    return Timed(response.status, time.monotonic() - begun)


async def test_without_a_producer_a_webhook_is_503_in_time_and_a_ping_gets_its_pong() -> None:
    """A second for a connection to Kafka, one for Postgres, and then the truth."""
    async with running(ingress_settings(NOWHERE), connected=False) as ingress:
        for body in (BODY, b"canary: not understood"):
            answer = await _deliver(ingress, body)
            assert answer.status == 503
            assert answer.seconds < 3.5
        assert (await _deliver(ingress, PING)).seconds < 0.5
        assert await (await ingress.deliver(PING)).json() == PONG


async def test_what_is_not_signed_is_401_whatever_the_state_of_kafka() -> None:
    async with running(ingress_settings(NOWHERE), connected=False) as ingress:
        assert (await ingress.deliver(BODY, "0" * 64)).status == 401


async def test_the_process_itself_starts_and_answers_without_kafka_and_postgres() -> None:
    """Wired by its own entry point: it is ready, because it can answer."""
    settings = ingress_settings(NOWHERE)
    url = f"http://127.0.0.1:{settings.process.http_port}{WEBHOOK_PATH}"
    with capture_logs():  # rendering a traceback for a terminal would hold the loop up for seconds
        await _answers_without_kafka_and_postgres(settings, url)


async def _answers_without_kafka_and_postgres(settings: IngressSettings, url: str) -> None:
    began = time.monotonic()
    async with (
        ingress_role(settings) as started,
        ClientSession(timeout=ClientTimeout(total=5)) as vendor_,
    ):
        assert time.monotonic() - began < 3.0, "it waits two seconds for Kafka and Postgres"
        assert all(started.readiness().values())
        for body, status in ((PING, 200), (BODY, 503)):
            headers = {vendor.SIGNATURE: vendor.sign(body)}
            async with vendor_.post(url, data=body, headers=headers) as response:
                assert response.status == status
        assert not [task for task in started.tasks if task.done()]
        await started.drain()


@contextmanager
def _frozen(broker: Broker) -> Iterator[None]:
    broker.freeze()
    try:
        yield
    finally:
        broker.thaw()


async def test_while_the_broker_hangs_every_answer_comes_in_time_and_then_all_is_well_again(
    broker: Broker, ingress: Ingress, tap: Tap
) -> None:
    """Its connections stay open and nothing answers: the worst that a broker can do."""
    if not broker.is_ours:
        pytest.skip("the broker of the environment cannot be frozen")
    assert (await _deliver(ingress, BODY)).status == 200
    await tap.one()
    with _frozen(broker):
        webhooks = [asyncio.create_task(_deliver(ingress, BODY)) for _ in range(5)]
        ping = await _deliver(ingress, PING)
        assert (ping.status, ping.seconds < 1.0) == (200, True)
        for answer in await asyncio.gather(*webhooks):
            assert answer.status == 503
            assert answer.seconds < 3.5
        after = await _deliver(ingress, BODY)  # the breaker is open now, and tries once a second
        assert (after.status, after.seconds < 3.5) == (503, True)

    async def accepted() -> bool:
        return (await ingress.deliver(BODY)).status == 200

    await until(accepted, within=20)
    # what was answered 503 may be there too: the broker took it without saying so in time
    assert {record.headers["ce_id"] for record in await tap.new()} == {"m-1"}
