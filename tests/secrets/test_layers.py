"""The search itself: it finds a secret however it is wrapped, and nothing in noise."""

import base64
import gzip
import json
import os
import zlib
from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.secrets.layers import found_in

SECRET = b"7Hk-canary_Q2mZ"
NAMED = {"canary": SECRET}

Wrap = Callable[[bytes], bytes]
WRAPS: dict[str, Wrap] = {
    "plain": bytes,
    "upper case": bytes.upper,
    "hex": lambda raw: raw.hex().encode(),
    "upper hex": lambda raw: raw.hex().upper().encode(),
    "base64": base64.b64encode,
    "base64 for URLs": lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"="),
    "percent, all": lambda raw: "".join(f"%{byte:02X}" for byte in raw).encode(),
    "percent, some": lambda raw: (quote(raw[:4]) + f"%{raw[4]:02x}" + quote(raw[5:])).encode(),
    "JSON escapes": lambda raw: "".join(f"\\u{byte:04x}" for byte in raw).encode(),
    "JSON": lambda raw: json.dumps({"a": raw.decode("latin-1")}).encode(),
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "UTF-16": lambda raw: raw.decode("latin-1").encode("utf-16-le"),
}


@pytest.mark.parametrize("before", [b"", b"a", b"ab", b"abc", b"\\\\x", b'{"x":"', b"\xff\x00"])
@pytest.mark.parametrize("wrap", WRAPS)
def test_a_wrapped_secret_is_found_wherever_it_stands(wrap: str, before: bytes) -> None:
    assert found_in(before + WRAPS[wrap](SECRET) + b'"}, more\n', NAMED) == {"canary"}


@pytest.mark.parametrize("inside", [b"", b"x", b"xy", b"xyz"])
@pytest.mark.parametrize("outer", ["hex", "base64", "percent, all", "gzip"])
@pytest.mark.parametrize("inner", ["hex", "base64", "percent, all", "gzip", "UTF-16"])
def test_a_secret_wrapped_twice_is_found(outer: str, inner: str, inside: bytes) -> None:
    wrapped = WRAPS[outer](inside + WRAPS[inner](inside + SECRET))
    assert found_in(b"COPY t FROM stdin;\n" + wrapped + b"\n\\.\n", NAMED) == {"canary"}


def test_a_record_as_it_would_stand_in_a_dump_is_found() -> None:
    """JSON with base64 inside, gzipped, in a bytes column that the dump writes in hex."""
    body = json.dumps({"sealed": base64.b64encode(b"id=" + SECRET).decode()}).encode()
    assert found_in(b"1\t\\\\x" + gzip.compress(body).hex().encode(), NAMED) == {"canary"}


def test_noise_holds_nothing() -> None:
    noise = os.urandom(20_000)
    assert found_in(noise + noise.hex().encode() + base64.b64encode(noise), NAMED) == set()


def test_only_what_is_there_is_named() -> None:
    others = {**NAMED, "other": b"not-in-there"}
    assert found_in(base64.b64encode(SECRET), others) == {"canary"}
