"""Key rings and the MAC of callbacks. Literals were computed with ``openssl dgst`` and ``sha256sum``."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.crypto import mac
from service.crypto.keys import KeyRing, UnknownKeyError, key_id

OLD, NEW = b"o" * 32, b"n" * 32
RING = KeyRing((OLD,))
WHERE, BODY = b"ias.callbacks.v1", b'{"a":1}'
MAC = "d99bdfb4902cb89894d0a4e7664af410a3f1253ff098b0746e3aeabf4cff8c5a"


def test_a_key_id_is_the_start_of_a_labelled_sha_256() -> None:
    """Boxes at rest name their key by it: it must never change."""
    assert key_id(OLD).hex() == "68797cc0"


@pytest.mark.parametrize("keys", [(), (b"short",), (OLD, b"x" * 31), (b"x" * 33,), (b"",)])
def test_a_ring_is_made_of_keys_of_256_bits(keys: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        KeyRing(keys)


def test_the_first_key_writes_and_every_key_reads() -> None:
    ring = KeyRing((NEW, OLD))
    assert ring.newest == (key_id(NEW), NEW)
    assert ring.get(key_id(OLD)) == OLD
    assert ring.all() == (NEW, OLD)
    with pytest.raises(UnknownKeyError):
        ring.get(b"none")


def test_a_ring_shows_ids_and_no_keys() -> None:
    canary = b"K4n4ryK4n4ryK4n4ryK4n4ryK4n4ry!!"
    assert "K4n4ry" not in repr(KeyRing((canary,)))
    assert key_id(canary).hex() in repr(KeyRing((canary,)))


def test_a_mac_is_hmac_sha_256_over_the_framed_place_and_the_body() -> None:
    assert mac.sign(RING, WHERE, BODY) == MAC
    assert mac.verify(RING, WHERE, BODY, MAC)


@given(where=st.binary(max_size=40), body=st.binary(max_size=200))
def test_a_mac_holds_for_its_place_and_body_alone(where: bytes, body: bytes) -> None:
    made = mac.sign(RING, where, body)
    assert mac.verify(RING, where, body, made)
    assert not mac.verify(RING, where + b"x", body, made)
    assert not mac.verify(RING, where, body + b"x", made)


@given(where=st.binary(min_size=1, max_size=40), body=st.binary(max_size=40))
def test_bytes_cannot_move_from_the_place_into_the_body(where: bytes, body: bytes) -> None:
    made = mac.sign(RING, where, body)
    assert not mac.verify(RING, where[:-1], where[-1:] + body, made)


def test_macs_of_an_older_key_hold_while_keys_rotate() -> None:
    assert mac.verify(KeyRing((NEW, OLD)), WHERE, BODY, MAC)
    assert not mac.verify(KeyRing((NEW,)), WHERE, BODY, MAC)
    assert mac.verify(KeyRing((NEW,)), WHERE, BODY, mac.sign(KeyRing((NEW, OLD)), WHERE, BODY))


@given(text=st.one_of(st.text(), st.text("0123456789abcdef", max_size=70)))
def test_any_other_text_is_simply_not_a_mac(text: str) -> None:
    assert mac.verify(RING, WHERE, BODY, text) is (text == MAC)


@given(at=st.integers(0, 63), digit=st.sampled_from("0123456789abcdef"))
def test_a_mac_with_another_digit_is_refused(at: int, digit: str) -> None:
    altered = MAC[:at] + digit + MAC[at + 1 :]
    assert mac.verify(RING, WHERE, BODY, altered) is (altered == MAC)
    assert not mac.verify(RING, WHERE, BODY, MAC[:at])
