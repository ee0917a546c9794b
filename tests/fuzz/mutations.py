"""Valid requests, and all that can be done to their bytes."""

import gzip
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from schemas.ids import OpenId
from service.crypto import tokens
from service.ias.browser import COOKIE_PURPOSE, Cookie, Opened
from tests.ingress import vendor
from tests.ingress.opening import LINK_KEYS
from tests.ingress.running import WEBHOOK_PATH
from tests.ingress.steps import IDENTITY, a_step, link

CANARY: Final = b"canary-91bd"


@dataclass
class Request:
    """A request in pieces, so that each can be spoilt by itself."""

    method: bytes
    target: bytes
    version: bytes = b"HTTP/1.1"
    lines: list[bytes] = field(default_factory=list)
    body: bytes = b""
    line_end: bytes = b"\r\n"

    def written(self) -> bytes:
        """As bytes."""
        start = b" ".join(part for part in (self.method, self.target, self.version))
        return self.line_end.join([start, *self.lines, b"", b""]) + self.body

    def without(self, *names: bytes) -> None:
        """Take header lines away."""
        self.lines = [line for line in self.lines if line.split(b":")[0].lower() not in names]


def webhook(body: bytes | None = None) -> Request:
    """A signed webhook."""
    if body is None:
        body = vendor.stringify(vendor.webhook(note=CANARY.decode()))
    lines = [
        b"Host: ias.example.com",
        b"Content-Type: application/json",
        b"X-Metriport-Signature: " + vendor.sign(body).encode(),
        b"Content-Length: %d" % len(body),
    ]
    return Request(b"POST", WEBHOOK_PATH.encode(), lines=lines, body=body)


def ping() -> Request:
    """A signed ping."""
    meta = {"messageId": "m-1", "type": "ping"}
    return webhook(vendor.stringify({"ping": "a-text", "meta": meta}))


def _browser(method: bytes, target: str, cookie: str | None = None) -> Request:
    lines = [b"Host: ias.example.com", b"Accept: text/html"]
    if cookie is not None:
        lines.append(b"Cookie: __Host-ias=" + cookie.encode())
    return Request(method, target.encode(), lines=lines)


def valid(rng: random.Random) -> Request:
    """One of the requests that are answered with 200 or 303."""
    step, now = a_step(IDENTITY), datetime.now(UTC)
    opened = Cookie((Opened(step, OpenId(uuid4()), now),))
    cookie = tokens.issue(LINK_KEYS, COOKIE_PURPOSE, opened)
    makers: list[Callable[[], Request]] = [
        webhook,
        webhook,
        webhook,
        ping,
        lambda: _browser(b"GET", link(step)),
        lambda: _browser(b"POST", link(step)),
        lambda: _browser(b"GET", f"/callbacks/identity?x={CANARY.decode()}", cookie),
    ]
    return rng.choice(makers)()


Mutation = Callable[[random.Random, Request], None]


def _method(rng: random.Random, request: Request) -> None:
    methods = [b"GET", b"HEAD", b"PUT", b"OPTIONS", b"CONNECT", b"TRACE", b"PRI", b"M-SEARCH"]
    methods += [request.method.lower(), b"", b"P\x00ST", b"POST\t", b"A" * 9_000, CANARY.upper()]
    request.method = rng.choice(methods)


def _version(rng: random.Random, request: Request) -> None:
    request.version = rng.choice(
        [
            b"HTTP/1.0",
            b"HTTP/0.9",
            b"HTTP/1.2",
            b"HTTP/2.0",
            b"http/1.1",
            b"HTTP/1.1 ",
            b"",
            CANARY,
            b"HTTP/11",
            b"HTTP/1.1\r",
            b"HTTP/-1.1",
            b"ICE/1.0",
            b"HTTP/1.1" * 2_000,
        ]
    )


def _target(rng: random.Random, request: Request) -> None:
    request.target = rng.choice(
        [
            b"*",
            b"",
            b"//" + CANARY + b"/" + request.target,
            b"http://" + CANARY + b".example" + request.target,
            b"http://[" + request.target,
            b"ias.example.com:443",
            request.target + b"?" + CANARY * 1_500,
            request.target + b"#" + CANARY,
            request.target + b" " + CANARY,
            request.target + b"/%00/%ff/%",
            request.target + b"\xff\xfe",
            request.target + b"/../" + CANARY,
            b"/go/" + b"A" * 8_000,
            b"/go/" + b"%2e" * 500,
        ]
    )


def _length(rng: random.Random, request: Request) -> None:
    size = len(request.body)
    given = b"Content-Length: "
    odd = [b"-1", b"+%d" % size, b"0x1f", b"%d, %d" % (size, size), b"1" * 40, b"", b"1 1", b"1_0"]
    odd += [
        b"%d" % (size + 5),
        b"%d" % max(size - 5, 0),
        b"0",
        b"33554433",
        b"33554432",
        "٣".encode(),
    ]
    if rng.random() < 0.5:
        request.lines.append(given + rng.choice([b"%d" % size, *odd]))
    else:
        request.without(b"content-length")
        request.lines.append(given + rng.choice(odd))


def _chunks(rng: random.Random, body: bytes) -> bytes:
    at = rng.randrange(len(body) + 1)
    parts = [part for part in (body[:at], body[at:]) if part]
    sizes = [b"%x", b"%X", b"00%x", b"%x;" + CANARY + b"=1"]
    if rng.random() < 0.5:
        sizes += [
            b"-%x",
            b"0x%x",
            b"%x ",
            b" %x",
            b"%xg",
            b"f%x",
            b"%x;" + b"e" * 9_000,
            b"ffffffff%x",
        ]
    made = b"".join(rng.choice(sizes) % len(part) + b"\r\n" + part + b"\r\n" for part in parts)
    ends = [
        b"0\r\n\r\n",
        b"0\r\n\r\n",
        b"0\r\nX-Trailer: 1\r\n\r\n",
        b"",
        b"0\r\n",
        b"0\n\n",
        b"0;\r\n\r\n",
    ]
    ends += [b"0\r\nContent-Length: 5\r\n\r\n", b"0\r\n" + b"T: 1\r\n" * 5_000 + b"\r\n", b"\r\n"]
    return made + rng.choice(ends)


def _chunked(rng: random.Random, request: Request) -> None:
    codings = [
        b"chunked",
        b"chunked",
        b"Chunked",
        b"chunked, chunked",
        b"identity",
        b"gzip, chunked",
    ]
    codings += [
        b"xchunked",
        b"\x0bchunked",
        b"chunked;q=1",
        b"chunked, identity",
        b"",
        b'"chunked"',
    ]
    request.lines.append(b"Transfer-Encoding: " + rng.choice(codings))
    if rng.random() < 0.7:
        request.without(b"content-length")
    request.body = _chunks(rng, request.body)


def _line(rng: random.Random, request: Request) -> None:
    odd = [
        b"X-Folded: a\r\n b",
        b"X-Folded: a\r\n\t" + CANARY,
        b" X-Folded: first",
        CANARY,
        b": no name",
        b"X-Space : 1",
        b"X Space: 1",
        b"X-Nul: a\x00b",
        b"X-Return: a\rb",
        b"X-Feed: a\nb",
        b"X-\xff: 1",
        b"X-High: \xff\xfe" + "é".encode(),
        b"X-Empty:",
        b"X-Huge: " + b"h" * 8_500,
        b"X-Huger: " + CANARY * 10_000,
        b"\r\n".join(
            b"X-%d: %d" % (number, number) for number in range(rng.choice([100, 130, 5_000]))
        ),
        b"Host: " + CANARY,
        b"Host: a, b",
        b"Content-Type: " + CANARY,
        b"X-Metriport-Signature: " + b"0" * 64,
        b"X-Metriport-Signature: \xff" + CANARY,
        b"Traceparent: \xff" + CANARY,
        b"Cookie: __Host-ias=\xff\xfe; =; ;;" + CANARY,
        b"Cookie: " + b"a=b; " * 1_500,
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + CANARY,
        b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQ",
        b"Connection: close",
        b"Connection: keep-alive",
        b"Connection: close, keep-alive, " + CANARY,
        b"Range: bytes=0-",
        b"If-None-Match: *",
    ]
    request.lines.insert(rng.randrange(len(request.lines) + 1), rng.choice(odd))


def _missing(rng: random.Random, request: Request) -> None:
    request.lines.pop(rng.randrange(len(request.lines)))


def _encoding(rng: random.Random, request: Request) -> None:
    codings = [b"gzip", b"deflate", b"br", b"identity", b"", b"GZIP", b"gzip, gzip", CANARY]
    request.lines.append(b"Content-Encoding: " + rng.choice(codings))
    if rng.random() < 0.5:
        packed = gzip.compress(request.body * rng.choice([1, 1_000]))
        request.body = packed[: rng.choice([len(packed), len(packed) // 2])]
        request.without(b"content-length")
        request.lines.append(b"Content-Length: %d" % len(request.body))


def _expect(rng: random.Random, request: Request) -> None:
    request.lines.append(
        b"Expect: " + rng.choice([b"100-continue", b"100-Continue", b"", b"200-ok"])
    )


def _line_end(rng: random.Random, request: Request) -> None:
    request.line_end = rng.choice([b"\n", b"\r", b"\n\r", b"\r\r\n", b"\r\n\x00", b"\r\n "])


HEAD_MUTATIONS: Final[list[Mutation]] = [
    _method,
    _version,
    _target,
    _length,
    _length,
    _chunked,
    _chunked,
    _line,
    _line,
    _line,
    _missing,
    _encoding,
    _expect,
    _line_end,
]


def _flip(rng: random.Random, raw: bytes) -> bytes:
    changed = bytearray(raw)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(changed))
        changed[at] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _splice(rng: random.Random, raw: bytes) -> bytes:
    start, end = sorted(rng.randrange(len(raw) + 1) for _ in range(2))
    middle = rng.choice(
        [b"", raw[start:end] * 2, rng.randbytes(rng.randint(1, 20)), b"\r\n\r\n", b"\x00"]
    )
    return raw[:start] + middle + raw[end:]


def _cut(rng: random.Random, raw: bytes) -> bytes:
    return raw[: rng.randrange(1, len(raw))]


def _pipelined(rng: random.Random, raw: bytes) -> bytes:
    return raw * rng.choice([2, 3, 20]) + rng.choice([b"", b"\r\n", b"GET ", CANARY])


def _preceded(rng: random.Random, raw: bytes) -> bytes:
    http2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(64)
    proxy = b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"
    return rng.choice([http2, tls, proxy, b"\r\n" * 3, b"\x00", b"\n", rng.randbytes(50)]) + raw


RAW_MUTATIONS: Final = [_flip, _splice, _cut, _pipelined, _preceded]


def spoilt(rng: random.Random) -> list[bytes]:
    """A request with one to three things done to it, in one to four pieces."""
    request = valid(rng)
    for _ in range(rng.choice([0, 1, 1, 1, 2, 2, 3])):
        if request.lines:
            rng.choice(HEAD_MUTATIONS)(rng, request)
    raw = request.written()
    if rng.random() < 0.35:
        raw = rng.choice(RAW_MUTATIONS)(rng, raw) or b"\r\n"
    cuts = sorted(rng.randrange(len(raw) + 1) for _ in range(rng.choice([0, 0, 0, 1, 3])))
    pieces = [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    return [piece for piece in pieces if piece]
