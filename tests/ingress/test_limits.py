"""Requests that are too large, too slow, encoded or broken: an honest no, in time, and nothing published."""

import asyncio
import gzip
import time

import pytest

from tests.ingress import vendor
from tests.ingress.opening import opened, opened_letter
from tests.ingress.raw import Answer, exchange, post, read_answer
from tests.ingress.running import WEBHOOK_PATH, Ingress
from tests.ingress.steps import assert_strict
from tests.ingress.tap import Tap

pytestmark = pytest.mark.edge

MIB = 1024 * 1024
MOST = 32 * MIB
BODY = vendor.stringify(vendor.webhook())
SIGNED = b"x-metriport-signature: " + vendor.sign(BODY).encode()


async def test_more_than_32_mib_announced_is_413_before_any_of_it_is_sent(
    ingress: Ingress, tap: Tap
) -> None:
    answer = await exchange(ingress.port, post(WEBHOOK_PATH, b"", SIGNED, length=MOST + 1))
    assert (answer.status, answer.body) == (413, b"")
    assert await tap.new() == []


def _chunked(*lines: bytes) -> bytes:
    head = f"POST {WEBHOOK_PATH} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked".encode()
    return b"\r\n".join([head, *lines, b"", b""])


async def test_more_than_32_mib_in_chunks_is_413_while_it_is_read(
    ingress: Ingress, tap: Tap
) -> None:
    chunk = f"{MIB:x}\r\n".encode() + b"x" * MIB + b"\r\n"
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", ingress.port)
        answering = asyncio.create_task(read_answer(reader))
        try:
            writer.write(_chunked(SIGNED))
            for _ in range(34):
                writer.write(chunk)
                await writer.drain()
        except ConnectionError:
            pass  # it need not read on after its answer
        answer = await answering
        writer.close()
    assert (answer.status, answer.body) == (413, b"")
    assert await tap.new() == []


async def test_a_body_in_chunks_is_as_good_as_one_with_its_length(
    ingress: Ingress, tap: Tap
) -> None:
    chunks = (
        b"5\r\n" + BODY[:5] + f"\r\n{len(BODY) - 5:x}\r\n".encode() + BODY[5:] + b"\r\n0\r\n\r\n"
    )
    answer = await exchange(ingress.port, _chunked(SIGNED) + chunks)
    assert answer.status == 200
    assert opened(await tap.one()) == BODY


@pytest.mark.parametrize("size", [300 * 1024, 6 * MIB])
async def test_a_large_body_is_published_whole(ingress: Ingress, tap: Tap, size: int) -> None:
    """Bulk document lists: what comes back is what was received, to the byte."""
    body = vendor.stringify(vendor.webhook("medical.document-bulk-download-urls", x="y" * size))
    assert (await ingress.deliver(body)).status == 200
    record = await tap.one()
    assert record.key == vendor.PATIENT
    assert opened(record) == body


async def test_a_large_unreadable_body_is_a_dead_letter(ingress: Ingress, tap: Tap) -> None:
    body = b"[" + b"x" * MIB
    assert (await ingress.deliver(body)).status == 200
    assert opened_letter(await tap.one())[1] == body


@pytest.mark.parametrize("encoding", [b"gzip", b"GZIP", b"deflate", b"br", b"identity, gzip", b"x"])
async def test_an_encoded_body_is_415_and_is_not_unpacked(
    ingress: Ingress, tap: Tap, encoding: bytes
) -> None:
    """The signature is over the bytes received; a small archive could unpack to any size."""
    packed = gzip.compress(BODY)
    signed = b"x-metriport-signature: " + vendor.sign(packed).encode()
    request = post(WEBHOOK_PATH, packed, signed, b"Content-Encoding: " + encoding)
    answer = await exchange(ingress.port, request)
    assert (answer.status, answer.body) == (415, b"")
    assert await tap.new() == []


async def _slow(port: int, request: bytes) -> tuple[Answer, float]:
    begun = time.monotonic()
    return await exchange(port, request), time.monotonic() - begun


async def test_a_body_that_does_not_come_in_time_is_408(ingress: Ingress, tap: Tap) -> None:
    """The vendor waits four seconds: one of them is the body's."""
    half = post(WEBHOOK_PATH, BODY[:10], SIGNED, length=len(BODY))
    none = post(WEBHOOK_PATH, b"", SIGNED, length=len(BODY))
    endless = _chunked(SIGNED) + b"1\r\n{\r\n"
    results = await asyncio.gather(*(_slow(ingress.port, sent) for sent in (half, none, endless)))
    for answer, seconds in results:
        assert (answer.status, answer.body) == (408, b"")
        assert 0.9 < seconds < 1.6
    assert await tap.new() == []


async def test_a_slow_sender_is_in_nobodys_way(ingress: Ingress, tap: Tap) -> None:
    half = post(WEBHOOK_PATH, BODY[:10], SIGNED, length=len(BODY))
    slow = asyncio.create_task(exchange(ingress.port, half))
    begun = time.monotonic()
    assert (await ingress.deliver(BODY)).status == 200
    assert time.monotonic() - begun < 0.9
    assert (await slow).status == 408
    await tap.one()


BROKEN = {
    "a_chunk_without_a_size": _chunked(SIGNED) + b"zz\r\n{}\r\n0\r\n\r\n",
    "a_chunk_longer_than_it_says": _chunked(SIGNED) + b"1\r\n{}}}}\r\n0\r\n\r\n",
    "a_length_that_is_none": b"POST /webhooks/metriport HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
    "two_lengths": b"POST /webhooks/metriport HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
    b"Content-Length: 3\r\n\r\n{}",
    "a_length_and_chunks": _chunked(b"Content-Length: 2", SIGNED) + b"2\r\n{}\r\n0\r\n\r\n",
    "a_head_that_is_none": b"canary-of-a-request\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", BROKEN.values(), ids=BROKEN)
async def test_a_broken_request_is_400_and_never_500(
    ingress: Ingress, tap: Tap, request_bytes: bytes
) -> None:
    answer = await exchange(ingress.port, request_bytes)
    assert answer.status == 400
    assert await tap.new() == []


async def test_a_sender_that_hangs_up_leaves_nothing_behind(ingress: Ingress, tap: Tap) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", ingress.port)
    writer.write(post(WEBHOOK_PATH, BODY[:10], SIGNED, length=len(BODY)))
    await writer.drain()
    writer.transport.abort()
    assert (await ingress.deliver(BODY)).status == 200
    await tap.one()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_a_webhook_is_a_post_and_nothing_else(
    ingress: Ingress, tap: Tap, method: str
) -> None:
    headers = {vendor.SIGNATURE: vendor.sign(BODY)}
    async with ingress.browser.request(
        method, f"{ingress.url}{WEBHOOK_PATH}", data=BODY, headers=headers
    ) as response:
        assert response.status == 405
        assert response.headers["allow"] == "POST"
        assert await response.read() == b""
        assert_strict(response)
    assert await tap.new() == []
