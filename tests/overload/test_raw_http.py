"""Requests that no decent client sends (H3, H4, H5, H7), and nothing of them anywhere (S9)."""

import asyncio
import logging

import pytest
from aiohttp import http_parser

from tests.overload import keys
from tests.overload.running import connected, released, running

CANARY = b"canary-4711"
POST = b"POST /webhooks/metriport HTTP/1.1\r\n"
HOST = b"Host: ingress.example\r\n"

MALFORMED = {
    "garbage": CANARY + b"\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + CANARY + b"\r\n\r\n",
    "bad header name": POST + HOST + b"X " + CANARY + b": 1\r\n\r\n",
    "nul in a header": POST + HOST + b"X: " + CANARY + b"\x00\r\n\r\n",
    "length and chunks": POST
    + HOST
    + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\nX: "
    + CANARY
    + b"\r\n\r\n0\r\n\r\n",
    "two lengths": POST + HOST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\n" + CANARY,
    "two hosts": POST + HOST + b"Host: " + CANARY + b"\r\nContent-Length: 0\r\n\r\n",
    "folded header": POST + HOST + b"X: a\r\n " + CANARY + b"\r\nContent-Length: 0\r\n\r\n",
    "negative length": POST + HOST + b"Content-Length: -1\r\n\r\n" + CANARY,
    "long line": POST + HOST + b"X: " + CANARY + b"x" * 9_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_what_is_no_http_gets_an_empty_400(
    name: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with running(released()) as port, connected(port) as client:
        await client.send(MALFORMED[name])
        answer = await client.ended()
    out, err = capfd.readouterr()
    assert answer.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
    assert answer.endswith(b"\r\n\r\n"), "no body"
    assert CANARY not in answer
    assert CANARY.decode() not in out + err + caplog.text
    assert "aiohttp" not in {record.name.split(".")[0] for record in caplog.records}


def test_the_parser_in_c_is_loaded() -> None:
    """The one in Python is stricter in places and slower by far; what we tested is this one."""
    assert http_parser.HttpRequestParser.__module__ == "aiohttp._http_parser"


async def test_too_large_is_said_before_a_byte_is_invited() -> None:
    async with running(released()) as port, connected(port) as client:
        head = keys.request(b"", "Expect: 100-continue", announced=32 * keys.MIB + 1)
        await client.send(head)
        answer = await client.ended()
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"100 Continue" not in answer


async def test_a_fitting_body_is_invited_and_read() -> None:
    ping = keys.request(keys.ping(), "Expect: 100-continue")
    head, _, body = ping.partition(b"\r\n\r\n")
    async with running(released()) as port, connected(port) as client:
        assert await client.ask(head + b"\r\n\r\n") == 100
        assert await client.ask(body) == 200


async def test_another_expectation_gets_417_without_an_echo() -> None:
    async with running(released()) as port, connected(port) as client:
        await client.send(keys.request(b"", f"Expect: {CANARY.decode()}"))
        answer = await client.ended()
        assert answer.startswith(b"HTTP/1.1 417")
        assert CANARY not in answer


@pytest.mark.parametrize("start", [POST, b"OPTIONS /go/x HTTP/1.1\r\n", b"GET /x HTTP/1.1\r\n"])
async def test_an_expectation_that_is_no_text_gets_417_on_every_path(start: bytes) -> None:
    """Also where no route matches: aiohttp answered 500 there, as it could not encode what it repeats."""
    async with running(released()) as port, connected(port) as client:
        await client.send(start + HOST + b"Expect: 100-con\xf4inue-" + CANARY + b"\r\n\r\n")
        status, answer = await client.answer()
    assert status == 417
    assert b"server: ingress\r\n" in answer.lower()
    assert CANARY not in answer


@pytest.mark.parametrize(("announced", "status"), [(32 * keys.MIB + 1, 413), (10**30, 413)])
async def test_too_large_by_its_head(announced: int, status: int) -> None:
    async with running(released()) as port, connected(port) as client:
        await client.send(keys.request(b"", announced=announced))
        answer = await client.ended()
        assert answer.startswith((f"HTTP/1.1 {status}".encode(), b"HTTP/1.0 400"))


async def test_too_large_in_chunks_of_unknown_number() -> None:
    """413 while it is read, never after it."""
    head = POST + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    chunk = b"%x\r\n" % keys.MIB + b"x" * keys.MIB + b"\r\n"
    async with running(released()) as port, connected(port) as client:
        await client.send(head)
        for _ in range(33):
            await client.send(chunk)
        status, _ = await client.answer()
        assert status == 413


async def test_a_chunked_webhook_is_taken() -> None:
    body = keys.webhook()
    head = POST + HOST + b"Transfer-Encoding: chunked\r\nx-metriport-signature: "
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    async with running(released()) as port, connected(port) as client:
        assert await client.ask(head + keys.sign(body).encode() + b"\r\n\r\n" + chunks) == 200


async def test_chunks_that_are_none_end_the_request_without_an_echo() -> None:
    head = POST + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    async with running(released()) as port, connected(port) as client:
        await client.send(head + b"4\r\nabcd\r\n")
        await asyncio.sleep(0.05)
        await client.send(b"zz" + CANARY + b"\r\n")
        answer = await client.ended()
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 408"))
        assert CANARY not in answer


async def test_an_encoded_body_gets_415_unread() -> None:
    async with running(released()) as port, connected(port) as client:
        request = keys.request(b"", "Content-Encoding: gzip", announced=1_000_000)
        assert await client.ask(request) == 415
