"""HTTP/1.1 in bytes: what is sent is sent as it is, and what comes back is read to the letter."""

import asyncio
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

PATIENCE: Final = 7.0
"""Seconds within which every connection is answered or closed; heads may take 5."""

_MORE: Final = 0.15
_STATUS: Final = re.compile(rb"HTTP/\d\.\d ([1-5]\d\d) [A-Za-z' -]*\Z")
_FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([\x20-\x7e]*)\Z")


class GarbageError(AssertionError):
    """What came back is no HTTP."""


@dataclass(frozen=True)
class Answer:
    """One answer, as it came."""

    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """Names in lower case; every one occurs once."""
        found = dict(self.fields)
        assert len(found) == len(self.fields), f"a header is repeated: {self.fields}"
        return found


@dataclass(frozen=True)
class Outcome:
    """What became of one connection."""

    answers: tuple[Answer, ...]
    closed: bool
    received: bytes
    seconds: float
    waited: float
    """Seconds from the end of the last piece to the last byte that came; 0 where it came before."""

    @property
    def final(self) -> list[Answer]:
        """The answers other than ``100 Continue``."""
        return [answer for answer in self.answers if answer.status != 100]


async def converse(port: int, pieces: Sequence[bytes], *, gap: float = 0.0) -> Outcome:
    """Send the pieces, each on its own, and read until the end or until nothing more comes."""
    start = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    heard = _Heard()
    bodies = not b"".join(pieces).lstrip(b"\r\n").startswith(b"HEAD ")
    closed = False
    try:
        sending = asyncio.create_task(_send(writer, pieces, gap))
        try:
            async with asyncio.timeout(PATIENCE):
                closed = await _read(reader, heard, bodies=bodies)
        except TimeoutError:
            closed = False
        finally:
            sending.cancel()
            (sent,) = await asyncio.gather(sending, return_exceptions=True)
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()
    took = time.monotonic() - start
    raw = bytes(heard.raw)
    waited = max(0.0, heard.at - sent) if isinstance(sent, float) else 0.0
    return Outcome(tuple(answers_in(raw, bodies=bodies)), closed, raw, took, waited)


@dataclass
class _Heard:
    """What came so far, and when the last of it did."""

    raw: bytearray = field(default_factory=bytearray)
    at: float = 0.0


async def _send(writer: asyncio.StreamWriter, pieces: Sequence[bytes], gap: float) -> float:
    """When all of it was sent, or the other side would take no more."""
    with suppress(OSError):
        for number, piece in enumerate(pieces):
            if number and gap:
                await asyncio.sleep(gap)
            writer.write(piece)
            await writer.drain()
    return time.monotonic()


async def _read(reader: asyncio.StreamReader, heard: _Heard, *, bodies: bool) -> bool:
    """Whether the other side closed; else it has answered, and says nothing more."""
    while True:
        wait = _MORE if _is_answered(heard.raw, bodies=bodies) else None
        try:
            async with asyncio.timeout(wait):
                part = await reader.read(65_536)
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        if not part:
            return True
        heard.raw += part
        heard.at = time.monotonic()


def _is_answered(received: bytearray, *, bodies: bool) -> bool:
    """Whether there is an answer after which the connection stays."""
    try:
        found = answers_in(bytes(received), bodies=bodies)
    except GarbageError:
        return False
    if not found or found[-1].status == 100:
        return False
    return found[-1].headers.get("connection") != "close"


def answers_in(raw: bytes, *, bodies: bool = True) -> list[Answer]:
    """The answers one after the other; strict, so that nothing sent can pass for an answer.

    ``bodies`` is false for answers to HEAD: their length is that of a body that does not come.
    """
    found = []
    while raw:
        head, separator, raw = raw.partition(b"\r\n\r\n")
        if not separator:
            raise GarbageError(f"not an answer: {head[:200]!r}")
        status, *lines = head.split(b"\r\n")
        matched = _STATUS.match(status)
        if matched is None:
            raise GarbageError(f"no status line: {status[:200]!r}")
        fields = tuple(_field(line) for line in lines)
        length = int(dict(fields).get("content-length", "0")) if bodies else 0
        if len(raw) < length:
            raise GarbageError("half a body")
        found.append(Answer(int(matched[1]), fields, raw[:length]))
        raw = raw[length:]
    return found


def _field(line: bytes) -> tuple[str, str]:
    matched = _FIELD.match(line)
    if matched is None:
        raise GarbageError(f"no header: {line[:200]!r}")
    return matched[1].decode().lower(), matched[2].decode()
