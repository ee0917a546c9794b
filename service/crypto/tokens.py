"""What a browser or the ingress carries for us: sealed with ``LINK_KEYS``, purpose bound in.

A token is URL-safe base64 without padding. It is opaque to its bearer and cannot be made, changed or
used for another purpose by anyone without the key.
"""

import base64
import binascii
import hashlib
import secrets
from typing import Final, TypeVar

import msgspec

from service.crypto import aead
from service.crypto.keys import KeyRing, UnknownKeyError

_MAX_TOKEN: Final = 4096
CODE_BYTES: Final = 32
LONGEST_SECRET: Final = 255
"""Characters that an id of the vendor may have (as in ``schemas.ids``)."""

T = TypeVar("T")


class InvalidTokenError(Exception):
    """Not a token of ours, or one for another purpose."""


def issue(ring: KeyRing, purpose: str, content: msgspec.Struct | str) -> str:
    """A token that holds ``content`` for ``purpose``."""
    box = aead.encrypt_with_ring(ring, msgspec.msgpack.encode(content), _aad(purpose))
    return _text(box)


def read(ring: KeyRing, purpose: str, token: str, kind: type[T]) -> T:
    """The content of a token.

    Raises:
        InvalidTokenError: not ours, altered, another purpose, or another content.
    """
    if len(token) > _MAX_TOKEN:
        raise InvalidTokenError("too long")
    try:
        box = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        if _text(box) != token:
            raise InvalidTokenError("another spelling of a token")
        raw = aead.decrypt_with_ring(ring, box, _aad(purpose))
        return msgspec.msgpack.decode(raw, type=kind)
    except (binascii.Error, ValueError, UnknownKeyError):
        raise InvalidTokenError("not a token of ours") from None


def new_code() -> tuple[str, bytes]:
    """A one-time code of 256 bits and its hash; only the hash is stored."""
    code = secrets.token_urlsafe(CODE_BYTES)
    return code, code_hash(code)


def code_hash(code: str) -> bytes:
    """SHA-256 of a one-time code."""
    return hashlib.sha256(b"metriport-ias/return-code\x00" + code.encode()).digest()


def secret_digest(kind: str, secret: str) -> bytes:
    """A fixed-length stand-in for a vendor secret in unique indexes.

    The vendor's ids are opaque and unguessable; the digest alone opens nothing.
    """
    return hashlib.sha256(b"metriport-ias/" + kind.encode() + b"\x00" + secret.encode()).digest()


def _text(box: bytes) -> str:
    return base64.urlsafe_b64encode(box).rstrip(b"=").decode()


def _aad(purpose: str) -> bytes:
    return aead.context("metriport-ias/token/v1", purpose)
