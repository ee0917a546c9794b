"""Peels bytes: what is inside hex, base64, percent and JSON escapes, gzip and zlib, to any mixture.

A dump hides nothing by its spelling. Every layer is searched for the plain secret, so that no list of
spellings has to be complete.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Iterator, Mapping
from urllib.parse import unquote_to_bytes

DEPTH = 4
MOST = 64 * 1024 * 1024
"""Bytes that one compressed stream may unpack to."""

_HEX = re.compile(rb"[0-9a-fA-F]{12,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{11,}")
_PERCENT = re.compile(rb"[\w.~%+-]*%[0-9a-fA-F]{2}[\w.~%+-]*")
_JSON = re.compile(rb"\\u([0-9a-fA-F]{4})")
_STREAMS = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
_ZLIB_OR_GZIP = 47
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def layers(data: bytes, depth: int = DEPTH) -> Iterator[bytes]:
    """The bytes, and everything that can be unwrapped out of them."""
    yield data
    if depth:
        for inner in _unwrapped(data):
            yield from layers(inner, depth - 1)


def found_in(data: bytes, secrets: Mapping[str, bytes]) -> set[str]:
    """The names of the secrets that the data holds, however wrapped. Letter case does not matter."""
    lowered = {name: secret.lower() for name, secret in secrets.items()}
    wanted = set(lowered)
    found: set[str] = set()
    for layer in layers(data):
        text = layer.lower()
        found |= {name for name in wanted - found if lowered[name] in text}
        if found == wanted:
            break
    return found


def _unwrapped(data: bytes) -> Iterator[bytes]:
    inner = [*_hex(data), *_base64(data), *_percent(data), *_json(data), *_wide(data)]
    if inner:
        yield b"\x00\n".join(inner)
    yield from _streams(data)
    for part in inner:  # a stream is broken by whatever stands before it, so each on its own
        yield from _streams(part)


def _hex(data: bytes) -> Iterator[bytes]:
    for match in _HEX.finditer(data):
        run = match.group()
        for start in (0, 1):
            yield binascii.unhexlify(run[start : start + (len(run) - start) // 2 * 2])


def _base64(data: bytes) -> Iterator[bytes]:
    """Every run at every alignment: what comes before the text may be part of the run."""
    for match in _BASE64.finditer(data):
        run = match.group().translate(_URL_SAFE)
        for start in range(4):
            whole = run[start : start + (len(run) - start) // 4 * 4]
            rest = run[start + len(whole) :]
            yield base64.b64decode(whole + _padded(rest))


def _padded(rest: bytes) -> bytes:
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""


def _percent(data: bytes) -> Iterator[bytes]:
    for match in _PERCENT.finditer(data):
        yield unquote_to_bytes(match.group())


def _json(data: bytes) -> Iterator[bytes]:
    if _JSON.search(data):
        yield _JSON.sub(lambda match: chr(int(match[1], 16)).encode("utf-8", "replace"), data)


def _wide(data: bytes) -> Iterator[bytes]:
    """UTF-16, as some dumps and drivers write text."""
    for match in re.finditer(rb"(?:[\x20-\x7e]\x00){6,}|(?:\x00[\x20-\x7e]){6,}", data):
        yield match.group().replace(b"\x00", b"")


def _streams(data: bytes) -> Iterator[bytes]:
    for match in _STREAMS.finditer(data):
        machine = zlib.decompressobj(_ZLIB_OR_GZIP)
        try:
            inner = machine.decompress(data[match.start() :], MOST)
        except zlib.error:
            continue
        if inner:
            yield inner
