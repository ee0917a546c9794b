"""What is provably not sent is said to be: the call is then made again instead of being given up."""

import asyncio

import pytest

from service.gateway.outcome import NotSent, Unknown

from .calls import CALLS, NETWORK_QUERY
from .conftest import Connect
from .dead_ends import full_queue, held_port
from .proxy import Cut, How, Proxy, Way
from .recorder import Recorder


async def test_a_refused_connection_is_not_sent(connect: Connect) -> None:
    with held_port() as port:
        client = await connect(f"http://127.0.0.1:{port}")
        for operation, request in CALLS.items():
            assert await client.call(operation, request) == NotSent()


async def test_a_name_that_leads_nowhere_is_not_sent(connect: Connect) -> None:
    client = await connect("http://metriport.invalid")
    assert await client.call("start_network_query", NETWORK_QUERY) == NotSent()


async def test_a_time_limit_that_ends_while_connecting_is_not_sent(connect: Connect) -> None:
    with full_queue() as port:
        client = await connect(f"http://127.0.0.1:{port}", seconds=0.3)
        assert await client.call("start_network_query", NETWORK_QUERY) == NotSent()


async def test_a_time_limit_that_ends_while_waiting_for_the_answer_is_unknown(
    connect: Connect, recorder: Recorder
) -> None:
    """I3."""
    recorder.answers = False
    client = await connect(recorder.url(), seconds=0.3)
    async with asyncio.timeout(20):
        assert await client.call("start_network_query", NETWORK_QUERY) == Unknown()
    assert len(recorder.requests) == 1


@pytest.mark.parametrize("how", How)
async def test_a_server_that_hangs_up_on_everybody_is_unknown(
    connect: Connect, proxy: Proxy, how: How
) -> None:
    """The connection stood, so it is not provable that nothing arrived."""
    proxy.cut = Cut(Way.REQUEST, 0, how)
    client = await connect(proxy.url())
    assert await client.call("start_network_query", NETWORK_QUERY) == Unknown()


async def test_many_calls_at_once_never_wait_for_each_other(
    connect: Connect, recorder: Recorder
) -> None:
    """A call that waited for another's connection would spend its time limit unsent."""
    recorder.answers = False
    client = await connect(recorder.url(), seconds=0.5)
    calls = (client.call("start_network_query", NETWORK_QUERY) for _ in range(8))
    assert await asyncio.gather(*calls) == [Unknown()] * 8
    assert len(recorder.requests) == recorder.connections == 8
