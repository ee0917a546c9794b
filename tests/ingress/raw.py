"""Requests as bytes, for what no HTTP client would send."""

import asyncio
from typing import NamedTuple

SECONDS = 10.0


class Answer(NamedTuple):
    """An answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


async def exchange(port: int, request: bytes) -> Answer:
    """Send these bytes on a connection of their own and read one answer."""
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request)
            await writer.drain()
            return await read_answer(reader)
        finally:
            writer.close()


def post(path: str, body: bytes, *lines: bytes, length: int | None = None) -> bytes:
    """A POST with these header lines, and the length of its body unless told otherwise."""
    head = [
        f"POST {path} HTTP/1.1".encode(),
        b"Host: ingress.example",
        b"Content-Type: application/json",
        f"Content-Length: {len(body) if length is None else length}".encode(),
        *lines,
    ]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """Read one answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(first.split()[1]), headers, body)
