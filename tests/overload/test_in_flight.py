"""A store that never finishes: beyond the cap 503 at once, and pings as if nothing were (L1)."""

import asyncio
import time
from contextlib import AsyncExitStack

import pytest
from aiohttp import ClientSession, TCPConnector

from service.ingress import limits
from tests.overload import keys
from tests.overload.running import Held, Raw, connected, released, running, until


async def _fill(session: ClientSession, port: int, store: Held) -> list[asyncio.Task[int]]:
    """As many webhooks as there may be, all waiting for the store."""

    async def send() -> int:
        body = keys.webhook()
        headers = {"x-metriport-signature": keys.sign(body)}
        url = f"http://127.0.0.1:{port}{keys.PATH}"
        async with session.post(url, data=body, headers=headers) as response:
            return response.status

    tasks = [asyncio.create_task(send()) for _ in range(limits.WEBHOOKS)]
    await until(lambda: store.waiting == limits.WEBHOOKS)
    return tasks


async def test_beyond_the_cap_503_at_once_and_pings_are_answered() -> None:
    store = Held()
    async with running(store) as port, ClientSession(connector=TCPConnector(limit=0)) as session:
        waiting = await _fill(session, port, store)
        async with connected(port) as client:
            slowest = 0.0
            for _ in range(50):
                begun = time.monotonic()
                assert await client.ask(keys.request(keys.webhook())) == 503
                slowest = max(slowest, time.monotonic() - begun)
                assert await client.ask(keys.request(keys.ping())) == 200
        print(f"refused in at most {slowest * 1000:.1f} ms")
        assert slowest < 0.1
        assert store.waiting == limits.WEBHOOKS
        async with connected(port) as client:  # too big for a ping: refused unread
            assert await client.ask(keys.request(b"", announced=5_000)) == 503
        store.release.set()
        assert set(await asyncio.gather(*waiting)) == {200}
        async with connected(port) as client:
            assert await client.ask(keys.request(keys.webhook())) == 200


async def test_people_and_webhooks_do_not_stand_in_each_others_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With no place left for people they get an empty 503, and webhooks do not notice."""
    monkeypatch.setattr(limits, "BROWSERS", 0)
    click = b"POST /go/no-token HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
    async with running(released()) as port, connected(port) as client:
        assert await client.ask(click) == 503
        assert await client.ask(keys.request(keys.webhook())) == 200
        assert await client.ask(keys.request(keys.ping())) == 200


async def test_a_body_under_way_is_still_read_while_draining() -> None:
    """aiohttp alone would drop its rest and answer 408; the vendor does not send it again."""
    ping = keys.request(keys.ping())
    async with AsyncExitStack() as stack:
        async with asyncio.timeout(10), running(released()) as port:
            client = await stack.enter_async_context(connected(port))
            await client.send(ping[:-10])
            await asyncio.sleep(0.1)
            ending = asyncio.create_task(_finish(client, ping[-10:]))
        assert await ending == 200


async def _finish(client: Raw, rest: bytes) -> int:
    await asyncio.sleep(0.3)
    return await client.ask(rest)
