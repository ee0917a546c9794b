"""Whatever comes back, the call ends in an outcome: it never raises, hangs or reads for ever."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.gateway.client import open_client
from service.gateway.outcome import (
    Accepted,
    CredentialDoubt,
    NotSent,
    Outcome,
    Refused,
    SlowDown,
    Unknown,
)
from tests.fuzz.profiles import examples
from tests.support.settings import metriport

from .calls import API_KEY, CALLS, NETWORK_QUERY
from .conftest import Connect
from .recorder import Recorder, answer, recording

BODY = b'{"requestId":"r"}'
OUTCOMES = (Accepted, CredentialDoubt, Refused, SlowDown, Unknown)


def _chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body + end


SOUND: dict[str, bytes] = {
    "with its length": answer(body=BODY),
    "chunked": _chunked(BODY[:3], BODY[3:]),
    "chunked with a trailer": _chunked(BODY, end=b"0\r\nX-A: b\r\n\r\n"),
    "until the connection ends": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BODY,
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\n" + BODY,
    "after a 100": b"HTTP/1.1 100 Continue\r\n\r\n" + answer(body=BODY),
    "after a 103": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer(body=BODY),
    "packed, though not asked for": answer("200 OK", gzip.compress(BODY), "Content-Encoding: gzip"),
    "another content type": answer(body=BODY, content_type="text/html"),
    "no reason phrase": b"HTTP/1.1 200\r\nContent-Length: 17\r\n\r\n" + BODY,
}
BROKEN: dict[str, bytes] = {
    "nothing": b"",
    "no HTTP": b"hello",
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "no status": b"HTTP/1.1 abc OK\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "too short": b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n" + BODY,
    "too short, refused": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 400\r\n\r\n{}",
    "too short, slow down": b"HTTP/1.1 429 Too Many\r\nContent-Length: 400\r\n\r\n{}",
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + BODY,
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n" + BODY,
    "no last chunk": _chunked(BODY, end=b""),
    "half a chunk": _chunked(end=b"ff\r\n{"),
    "a chunk size that is none": _chunked(end=b"zz\r\n"),
    "packed badly": answer("200 OK", b"\x1f\x8b\x08junk", "Content-Encoding: gzip"),
    "a head without an end": b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 5000,
    "a header of a megabyte": b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 2**20 + b"\r\n\r\n",
    "a NUL in a header": b"HTTP/1.1 200 OK\r\nX-A: \0\r\n\r\n",
    "only a 100": b"HTTP/1.1 100 Continue\r\n\r\n",
}


async def _call(connect: Connect, recorder: Recorder) -> Outcome:
    client = await connect(recorder.url(), seconds=5)
    outcome = await client.call("start_network_query", NETWORK_QUERY)
    assert len(recorder.requests) == recorder.connections == 1
    return outcome


@pytest.mark.parametrize("name", SOUND)
async def test_a_sound_answer_is_read_in_every_form_that_http_has(
    connect: Connect, recorder: Recorder, name: str
) -> None:
    recorder.answer = SOUND[name]
    assert await _call(connect, recorder) == Accepted(BODY)


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_answer_is_unknown(connect: Connect, recorder: Recorder, name: str) -> None:
    """I3."""
    recorder.answer = BROKEN[name]
    assert await _call(connect, recorder) == Unknown()


@pytest.mark.parametrize("keeps_open", [True, False], ids=["stays open", "closes"])
async def test_a_switch_to_another_protocol_is_unknown(
    connect: Connect,
    recorder: Recorder,
    keeps_open: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    recorder.keeps_open = keeps_open
    recorder.answer = b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
    client = await connect(recorder.url(), seconds=1)
    outcome = await client.call("start_network_query", NETWORK_QUERY)
    assert isinstance(outcome, Unknown)


async def test_what_unpacks_to_too_much_is_not_unpacked(
    connect: Connect, recorder: Recorder
) -> None:
    packed = zlib.compress(bytes(64 * 1024 * 1024))
    assert len(packed) < 100_000
    recorder.answer = answer("200 OK", packed, "Content-Encoding: deflate")
    assert await _call(connect, recorder) == Unknown()


async def test_an_answer_that_trickles_for_ever_ends_with_the_time_limit(
    connect: Connect, recorder: Recorder
) -> None:
    recorder.keeps_open = True
    recorder.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n" + BODY
    client = await connect(recorder.url(), seconds=0.3)
    assert await client.call("start_network_query", NETWORK_QUERY) == Unknown()


async def test_an_answer_to_half_a_request_counts_as_an_answer(
    connect: Connect, recorder: Recorder
) -> None:
    """A refusal that does not wait for the body, as a gateway in front gives it."""
    recorder.impatient = True
    recorder.answer = answer("413 Payload Too Large", b"", "Connection: close")
    client = await connect(recorder.url(), seconds=5)
    outcome = await client.call("create_patient", CALLS["create_patient"])
    assert isinstance(outcome, Refused | Unknown)


@given(st.binary(max_size=200), st.sampled_from([*SOUND.values(), b"HTTP/1.1 200 OK\r\n", b""]))
@examples(40)
async def test_no_bytes_make_a_call_raise(noise: bytes, before: bytes) -> None:
    async with recording() as server:
        server.answer = before + noise
        settings = metriport(server.url(), API_KEY, "facility", 5)
        async with open_client(settings) as client:
            outcome = await client.call("start_network_query", NETWORK_QUERY)
    assert isinstance(outcome, OUTCOMES)
    assert not isinstance(outcome, NotSent)
    assert len(server.requests) == 1
