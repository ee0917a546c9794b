"""Bytes on a socket: every connection is answered or closed in time, and none of them does harm."""

import asyncio
import random
from collections import Counter

import pytest

from tests.fuzz.harm import harm_in
from tests.fuzz.mutations import CANARY, Request, ping, spoilt, valid, webhook
from tests.fuzz.profiles import seed, times
from tests.fuzz.server import Server
from tests.fuzz.wire import PATIENCE, Outcome, answers_in, converse

AT_ONCE = 400
CASES = 400


async def one_of(server: Server, pieces: list[bytes]) -> Outcome:
    async with asyncio.timeout(PATIENCE + 3):
        return await converse(server.port, pieces, gap=0.01)


async def assert_well(server: Server) -> None:
    """A good request is answered, promptly."""
    outcome = await one_of(server, [ping().written()])
    (answer,) = outcome.answers
    assert (answer.status, answer.body) == (200, b'{"pong":"a-text"}')
    assert outcome.seconds < 2.0


async def test_spoilt_requests_are_answered_or_their_connections_closed(server: Server) -> None:
    rng = random.Random(chosen := seed())
    seen: Counter[str] = Counter()
    for start in range(0, times(CASES), AT_ONCE):
        cases = [spoilt(rng) for _ in range(min(AT_ONCE, times(CASES) - start))]
        results = await asyncio.gather(
            *(one_of(server, case) for case in cases), return_exceptions=True
        )
        for case, result in zip(cases, results, strict=True):
            told = f"FUZZ_SEED={chosen}: {case!r:.3000} became {result!r:.1000}"
            assert isinstance(result, Outcome), told
            assert harm_in(result) == [], told
            seen["".join(f"{answer.status} " for answer in result.final) or "closed"] += 1
        await assert_well(server)
    print(seen)
    assert len(seen) > 6, f"they were all alike: {seen}"


@pytest.mark.parametrize("request_of", [webhook, ping], ids=lambda made: made.__name__)
async def test_a_request_may_be_split_at_any_byte(server: Server, request_of: object) -> None:
    assert callable(request_of)
    raw = request_of().written()
    whole = await one_of(server, [raw])
    assert [answer.status for answer in whole.answers] == [200]
    splits = [[raw[:at], raw[at:]] for at in range(1, len(raw))]
    for outcome in await asyncio.gather(*(one_of(server, pieces) for pieces in splits)):
        assert [(one.status, one.body) for one in outcome.answers] == [(200, whole.answers[0].body)]


async def test_a_request_may_come_byte_by_byte(server: Server) -> None:
    raw = ping().written()
    outcome = await converse(server.port, [raw[at : at + 1] for at in range(len(raw))], gap=0.001)
    assert [answer.status for answer in outcome.answers] == [200]


async def test_requests_in_one_piece_are_answered_in_their_order(server: Server) -> None:
    rng = random.Random(seed())
    requests = [valid(rng) for _ in range(30)]
    alone = await asyncio.gather(*(one_of(server, [one.written()]) for one in requests))
    singly = [answer.status for outcome in alone for answer in outcome.answers]
    together = await one_of(server, [b"".join(request.written() for request in requests)])
    assert [answer.status for answer in together.answers] == singly
    assert set(singly) == {200, 303}


SMUGGLED = b"POST /go/%b HTTP/1.1\r\nHost: x\r\n\r\n" % CANARY


def two_lengths() -> Request:
    request = webhook()
    request.lines.append(b"Content-Length: %d" % (len(request.body) + len(SMUGGLED)))
    return request


def two_lengths_in_one() -> Request:
    request = webhook()
    request.without(b"content-length")
    size = len(request.body)
    request.lines.append(b"Content-Length: %d, %d" % (size, size + len(SMUGGLED)))
    return request


def length_and_chunks() -> Request:
    request = webhook()
    request.lines.append(b"Transfer-Encoding: chunked")
    request.body = b"0\r\n\r\n"
    return request


def chunks_that_are_none() -> Request:
    request = webhook()
    request.lines.append(b"Transfer-Encoding: xchunked")
    return request


def chunks_that_are_not_last() -> Request:
    request = webhook()
    request.without(b"content-length")
    request.lines.append(b"Transfer-Encoding: chunked, identity")
    request.body = b"0\r\n\r\n"
    return request


def a_space_before_the_colon() -> Request:
    request = webhook()
    request.lines[-1] = request.lines[-1].replace(b":", b" :")
    return request


def a_folded_length() -> Request:
    request = webhook()
    request.lines.append(b"X: y\r\n Content-Length: 0")
    return request


def a_chunk_size_with_a_sign() -> Request:
    request = webhook()
    request.without(b"content-length")
    request.lines.append(b"Transfer-Encoding: chunked")
    request.body = b"+5\r\nhello\r\n0\r\n\r\n"
    return request


@pytest.mark.parametrize(
    "request_of",
    [
        two_lengths,
        two_lengths_in_one,
        length_and_chunks,
        chunks_that_are_none,
        chunks_that_are_not_last,
        a_space_before_the_colon,
        a_folded_length,
        a_chunk_size_with_a_sign,
    ],
    ids=lambda made: made.__name__,
)
async def test_where_two_readers_could_differ_nobody_reads_on(
    server: Server, request_of: object
) -> None:
    """RFC 9112 §6.3: no second request can be smuggled past a proxy in what follows."""
    assert callable(request_of)
    outcome = await one_of(server, [request_of().written() + SMUGGLED])
    (answer,) = outcome.answers
    assert answer.status == 400
    assert outcome.closed
    assert answer.body == b""


@pytest.mark.parametrize("rest", [b"5\r\nhello\r\nxyz\r\n", b"-5\r\n", b"5\r\nhelloworld\r\n"])
async def test_chunks_that_go_bad_behind_the_head_are_refused(server: Server, rest: bytes) -> None:
    request = webhook()
    request.without(b"content-length")
    request.lines.append(b"Transfer-Encoding: chunked")
    request.body = b""
    outcome = await converse(server.port, [request.written(), rest], gap=0.1)
    (answer,) = outcome.answers
    assert answer.status in {
        400,
        408,
    }  # the parser tells the connection, and not who waits for more
    assert outcome.closed


async def test_an_answer_is_given_before_the_body_that_it_refuses(server: Server) -> None:
    request = webhook()
    request.without(b"content-length")
    request.lines += [b"Content-Length: 33554433", b"Expect: 100-continue"]
    request.body = b""
    outcome = await one_of(server, [request.written()])
    assert [answer.status for answer in outcome.answers] == [413]
    assert outcome.closed


async def test_a_body_that_is_awaited_is_invited_once(server: Server) -> None:
    request = ping()
    request.lines.append(b"Expect: 100-continue")
    body, request.body = request.body, b""
    outcome = await one_of(server, [request.written(), body])
    assert [answer.status for answer in outcome.answers] == [100, 200]


def test_what_is_no_answer_is_seen() -> None:
    """Else the reading above would take anything for HTTP."""
    good = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"
    assert [(answer.status, answer.body) for answer in answers_in(good)] == [(200, b"ab")]
    for garbage in (
        good[:-1],
        good + b"x",
        good.replace(b"200", b"2x0"),
        good.replace(b": ", b" "),
    ):
        with pytest.raises(AssertionError):
            answers_in(garbage)
