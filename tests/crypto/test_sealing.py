"""Sealed messages (I7): the ingress can lock, only consumers can open, and only where they stand."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from hypothesis import given
from hypothesis import strategies as st

from service.crypto.keys import UnknownKeyError
from service.crypto.sealing import Opener, Sealer, place

from .rfc9180 import seal as seal_by_rfc9180

OLD = X25519PrivateKey.from_private_bytes(bytes(range(32)))
NEW = X25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
OLD_PUBLIC = OLD.public_key().public_bytes_raw()
NEW_PUBLIC = NEW.public_key().public_bytes_raw()
OLD_OPENER = Opener((OLD.private_bytes_raw(),))
HERE = place("metriport.webhooks.v1", "ias.identity.verified", "7f6de1ce")


def _head(public_key: bytes) -> bytes:
    return b"\x01" + hashlib.sha256(b"metriport-ias/key-id\x00" + public_key).digest()[:4]


@given(plaintext=st.binary(max_size=2000), where=st.binary(max_size=200))
def test_what_is_sealed_opens_at_its_place(plaintext: bytes, where: bytes) -> None:
    sealed = Sealer(OLD_PUBLIC).seal(plaintext, where)
    assert OLD_OPENER.open(sealed, where) == plaintext


@given(here=st.tuples(st.text(), st.text(), st.text()), there=st.tuples(*[st.text()] * 3))
def test_what_is_sealed_opens_at_no_other_place(
    here: tuple[str, str, str], there: tuple[str, str, str]
) -> None:
    sealed = Sealer(OLD_PUBLIC).seal(b"secret", place(*here))
    if here == there:
        assert OLD_OPENER.open(sealed, place(*there)) == b"secret"
    else:
        with pytest.raises(UnknownKeyError):
            OLD_OPENER.open(sealed, place(*there))


def test_parts_of_a_place_cannot_be_shifted_into_each_other() -> None:
    sealed = Sealer(OLD_PUBLIC).seal(b"secret", place("topic", "type", "id"))
    for other in (("topict", "ype", "id"), ("topic", "typei", "d"), ("", "topictype", "id")):
        with pytest.raises(UnknownKeyError):
            OLD_OPENER.open(sealed, place(*other))


@given(data=st.data())
def test_no_altered_byte_is_accepted(data: st.DataObject) -> None:
    sealed = bytearray(Sealer(OLD_PUBLIC).seal(b"secret", HERE))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(UnknownKeyError):
        OLD_OPENER.open(bytes(sealed), HERE)


@given(cut=st.integers(0, 58))
def test_a_truncated_text_is_refused(cut: int) -> None:
    sealed = Sealer(OLD_PUBLIC).seal(b"secret", HERE)
    with pytest.raises(UnknownKeyError):
        OLD_OPENER.open(sealed[:cut], HERE)


@given(garbage=st.binary(max_size=100))
def test_garbage_under_our_key_id_is_refused_and_nothing_else_is_raised(garbage: bytes) -> None:
    for sealed in (garbage, _head(OLD_PUBLIC) + garbage):
        with pytest.raises(UnknownKeyError):
            OLD_OPENER.open(sealed, HERE)


def test_old_and_new_messages_open_while_keys_rotate() -> None:
    both = Opener((NEW.private_bytes_raw(), OLD.private_bytes_raw()))
    assert both.open(Sealer(OLD_PUBLIC).seal(b"old", HERE), HERE) == b"old"
    assert both.open(Sealer(NEW_PUBLIC).seal(b"new", HERE), HERE) == b"new"


def test_a_key_taken_off_the_list_opens_nothing_any_more() -> None:
    sealed = Sealer(OLD_PUBLIC).seal(b"old", HERE)
    with pytest.raises(UnknownKeyError):
        Opener((NEW.private_bytes_raw(),)).open(sealed, HERE)


def test_a_box_made_with_the_library_alone_opens() -> None:
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    box = suite.encrypt(b"secret", OLD.public_key(), info=HERE)
    assert OLD_OPENER.open(_head(OLD_PUBLIC) + box, HERE) == b"secret"


@given(plaintext=st.binary(max_size=200), ephemeral=st.binary(min_size=32, max_size=32))
def test_a_box_made_as_rfc_9180_says_opens(plaintext: bytes, ephemeral: bytes) -> None:
    key = X25519PrivateKey.from_private_bytes(ephemeral)
    box = seal_by_rfc9180(OLD_PUBLIC, key, HERE, plaintext)
    assert OLD_OPENER.open(_head(OLD_PUBLIC) + box, HERE) == plaintext


def test_the_same_text_is_never_sealed_twice_alike() -> None:
    sealer = Sealer(OLD_PUBLIC)
    assert sealer.seal(b"secret", HERE) != sealer.seal(b"secret", HERE)


def test_a_sealed_text_names_its_key_and_shows_nothing_of_its_content() -> None:
    sealed = Sealer(OLD_PUBLIC).seal(b"pid_0199b0caf4d57e90", HERE)
    assert sealed.startswith(_head(OLD_PUBLIC))
    assert Sealer(OLD_PUBLIC).key_id == _head(OLD_PUBLIC)[1:].hex()
    assert b"pid_" not in sealed
