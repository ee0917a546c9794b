"""The proxy makes the weather that it names."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from tests.chaos.proxy import Proxies, Weather
from tests.stack.ports import free_ports

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def proxies() -> AsyncIterator[tuple[Proxies, int]]:
    """A proxy called ``x`` in front of an echo, and its port."""
    port, upstream = free_ports(2)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", upstream)
    made = Proxies(random.Random(1)).start()
    await asyncio.to_thread(made.add, "x", port, upstream)
    yield made, port
    await asyncio.to_thread(made.stop)
    server.close()


async def said(ends: Ends, within: float = 0.5) -> bytes:
    """What comes back, if anything does."""
    reader, writer = ends
    writer.write(b"hello")
    async with asyncio.timeout(within):
        return await reader.read(5)


async def become(proxies: Proxies, weather: Weather, delay: float = 0.0) -> None:
    await asyncio.to_thread(proxies.become, "x", weather, delay)


async def test_fair_passes_and_slow_delays(proxies: tuple[Proxies, int]) -> None:
    made, port = proxies
    ends = await asyncio.open_connection("127.0.0.1", port)
    assert await said(ends) == b"hello"
    await become(made, Weather.SLOW, 0.2)
    began = asyncio.get_running_loop().time()
    assert await said(ends, 2.0) == b"hello"
    assert asyncio.get_running_loop().time() - began > 0.2
    ends[1].close()


@pytest.mark.parametrize("weather", [Weather.BLACKHOLE, Weather.HALF_OPEN])
async def test_what_hangs_takes_connects_and_answers_nothing_until_it_is_fair(
    proxies: tuple[Proxies, int], weather: Weather
) -> None:
    made, port = proxies
    stood = await asyncio.open_connection("127.0.0.1", port)
    assert await said(stood) == b"hello"
    await become(made, weather)
    fresh = await asyncio.open_connection("127.0.0.1", port)
    for ends in (stood, fresh):
        with pytest.raises(TimeoutError):
            await said(ends, 0.2)
    await become(made, Weather.FAIR)
    with pytest.raises(ConnectionError):
        await said(stood)
    again = await asyncio.open_connection("127.0.0.1", port)
    assert await said(again) == b"hello"
    for _, writer in (stood, fresh, again):
        writer.close()


async def test_resetting_breaks_what_stands_and_what_comes(proxies: tuple[Proxies, int]) -> None:
    made, port = proxies
    stood = await asyncio.open_connection("127.0.0.1", port)
    assert await said(stood) == b"hello"
    await become(made, Weather.RESETTING)
    fresh = await asyncio.open_connection("127.0.0.1", port)
    for ends in (stood, fresh):
        with pytest.raises(ConnectionError):
            await said(ends)
        ends[1].close()


async def test_refusing_refuses(proxies: tuple[Proxies, int]) -> None:
    made, port = proxies
    await become(made, Weather.REFUSING)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    await become(made, Weather.FAIR)
    ends = await asyncio.open_connection("127.0.0.1", port)
    assert await said(ends) == b"hello"
    ends[1].close()
