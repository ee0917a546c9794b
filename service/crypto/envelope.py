"""Secrets at rest: a data key per subject, wrapped by the deployment's keys.

Every box is bound to table, column and row, so a ciphertext moved elsewhere does not open.
Destroying a subject's data key erases all of the subject's secrets at once, backups included.
"""

import hmac
import os
from typing import NamedTuple

from service.crypto import aead
from service.crypto.keys import KEY_BYTES, KeyRing


class Place(NamedTuple):
    """Where a ciphertext stands."""

    table: str
    column: str
    row: str

    @property
    def aad(self) -> bytes:
        """As associated data."""
        return aead.context("metriport-ias/at-rest/v1", *self)


class DataKey:
    """The key of one subject; lives in memory only. Its repr tells nothing."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def __repr__(self) -> str:
        return "DataKey(…)"

    def encrypt(self, plaintext: bytes, place: Place) -> bytes:
        """A box that opens only at ``place``."""
        return aead.encrypt(self._raw, plaintext, place.aad)

    def decrypt(self, box: bytes, place: Place) -> bytes:
        """The plaintext.

        Raises:
            UnknownKeyError: another subject's key, another place, or an altered box.
        """
        return aead.decrypt(self._raw, box, place.aad)

    def pseudonym(self, purpose: str, text: str) -> bytes:
        """A keyed digest of ``text``: the same for the same text, and nobody's once the key is gone."""
        return hmac.digest(
            self._raw, aead.context("metriport-ias/pseudonym/v1", purpose, text), "sha256"
        )


def new_data_key(ring: KeyRing, subject_id: str) -> tuple[DataKey, bytes]:
    """A fresh key and its wrapped form for the subject's row."""
    raw = os.urandom(KEY_BYTES)
    return DataKey(raw), aead.encrypt_with_ring(ring, raw, _wrapping(subject_id))


def unwrap(ring: KeyRing, wrapped: bytes, subject_id: str) -> DataKey:
    """The subject's key.

    Raises:
        UnknownKeyError: wrapped for another subject, or altered.
        MissingKeyError: wrapped by a key that is not on the ring.
    """
    return DataKey(aead.decrypt_with_ring(ring, wrapped, _wrapping(subject_id)))


def rewrap(ring: KeyRing, wrapped: bytes, subject_id: str) -> bytes:
    """The same data key, wrapped by the newest key: what it encrypted stays as it is.

    Raises:
        UnknownKeyError: as ``unwrap``.
    """
    raw = aead.decrypt_with_ring(ring, wrapped, _wrapping(subject_id))
    return aead.encrypt_with_ring(ring, raw, _wrapping(subject_id))


def _wrapping(subject_id: str) -> bytes:
    return aead.context("metriport-ias/data-key/v1", subject_id)
