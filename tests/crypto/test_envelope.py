"""Secrets at rest (I7): a box opens in its table, column and row, with its subject's key, only."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from service.crypto.envelope import DataKey, Place, new_data_key, unwrap
from service.crypto.keys import KeyRing, UnknownKeyError

OLD, NEW = b"o" * 32, b"n" * 32
RING = KeyRing((OLD,))
PLACE = Place("proofed_identity", "vendor_id", "0199b0c4")
KEY = DataKey(b"d" * 32)


def _framed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


@given(plaintext=st.binary(max_size=500))
def test_what_is_encrypted_opens_at_its_place(plaintext: bytes) -> None:
    assert KEY.decrypt(KEY.encrypt(plaintext, PLACE), PLACE) == plaintext


@pytest.mark.parametrize(
    "other",
    [
        PLACE._replace(table="aal2_session"),
        PLACE._replace(column="digest"),
        PLACE._replace(row="0199b0c5"),
        Place("proofed_identityvendor_id", "", "0199b0c4"),
        Place("proofed_identity", "vendor_id0199b0c4", ""),
    ],
)
def test_a_box_moved_to_another_place_does_not_open(other: Place) -> None:
    box = KEY.encrypt(b"pid_0199b0caf4d57e90", PLACE)
    with pytest.raises(UnknownKeyError):
        KEY.decrypt(box, other)


@given(data=st.data())
def test_no_altered_byte_is_accepted(data: st.DataObject) -> None:
    box = bytearray(KEY.encrypt(b"secret", PLACE))
    box[data.draw(st.integers(0, len(box) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(UnknownKeyError):
        KEY.decrypt(bytes(box), PLACE)


@given(garbage=st.binary(max_size=60))
def test_garbage_is_refused_and_nothing_else_is_raised(garbage: bytes) -> None:
    with pytest.raises(UnknownKeyError):
        KEY.decrypt(garbage, PLACE)
    with pytest.raises(UnknownKeyError):
        unwrap(RING, garbage, "u-7781")


def test_a_box_is_a_nonce_and_aes_256_gcm_under_the_framed_place() -> None:
    """What stands in databases must open with later releases too."""
    aad = _framed(b"metriport-ias/at-rest/v1", b"proofed_identity", b"vendor_id", b"0199b0c4")
    nonce = bytes(range(12))
    box = nonce + AESGCM(b"d" * 32).encrypt(nonce, b"secret", aad)
    assert KEY.decrypt(box, PLACE) == b"secret"


def test_two_boxes_of_one_text_never_share_a_nonce() -> None:
    boxes = {KEY.encrypt(b"secret", PLACE)[:12] for _ in range(200)}
    assert len(boxes) == 200


def test_another_subjects_key_does_not_open_a_box() -> None:
    mine, _ = new_data_key(RING, "u-1")
    yours, _ = new_data_key(RING, "u-2")
    with pytest.raises(UnknownKeyError):
        yours.decrypt(mine.encrypt(b"secret", PLACE), PLACE)


def test_a_wrapped_key_unwraps_for_its_subject_to_the_same_key() -> None:
    key, wrapped = new_data_key(RING, "u-1")
    assert unwrap(RING, wrapped, "u-1").decrypt(key.encrypt(b"secret", PLACE), PLACE) == b"secret"


def test_a_wrapped_key_moved_to_another_subject_does_not_unwrap() -> None:
    """I2 in the database: swapped rows open nothing."""
    _, wrapped = new_data_key(RING, "u-1")
    with pytest.raises(UnknownKeyError):
        unwrap(RING, wrapped, "u-2")


def test_keys_wrapped_before_a_rotation_unwrap_until_the_old_key_is_taken_away() -> None:
    key, wrapped = new_data_key(RING, "u-1")
    box = key.encrypt(b"secret", PLACE)
    assert unwrap(KeyRing((NEW, OLD)), wrapped, "u-1").decrypt(box, PLACE) == b"secret"
    with pytest.raises(UnknownKeyError):
        unwrap(KeyRing((NEW,)), wrapped, "u-1")


def test_after_a_rotation_the_newest_key_wraps() -> None:
    _, wrapped = new_data_key(KeyRing((NEW, OLD)), "u-1")
    assert isinstance(unwrap(KeyRing((NEW,)), wrapped, "u-1"), DataKey)


def test_a_data_key_does_not_show_itself() -> None:
    key = DataKey(b"K4n4ryK4n4ryK4n4ryK4n4ryK4n4ry!!")
    for shown in (repr(key), str(key), f"{key}", f"{[key]}"):
        assert "K4n4ry" not in shown
