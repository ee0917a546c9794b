"""Nothing but the right signature of the right body with a right key, letter for letter."""

from collections.abc import Sequence

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from service.webhook_signature import matching_slot
from tests.fuzz.profiles import examples
from tests.fuzz.signing import oracle, respellings, signed

MANY = 2_000
SOME = 1_000
HEX = "0123456789abcdef"

KEYS = st.binary(min_size=1, max_size=200)
BODIES = st.binary(max_size=2_000)
ANYTHING = st.text(st.characters(), max_size=200)  # lone surrogates and control characters too


def respelled(right: str) -> st.SearchStrategy[str]:
    """Other ways to write the right signature, and texts that only begin or end like it."""
    return st.one_of(
        st.sampled_from(respellings(right)),
        st.tuples(ANYTHING, ANYTHING).map(lambda around: f"{around[0]}{right}{around[1]}"),
    )


@st.composite
def headers(draw: st.DrawFn, keys: Sequence[bytes], body: bytes) -> list[str]:
    """All values of the header: any number, of which some are right."""
    right = [signed(key, body) for key in keys] or ["0" * 64]
    one = st.one_of(
        st.sampled_from(right),
        st.sampled_from(right).flatmap(respelled),
        st.text(HEX, min_size=64, max_size=64),
        ANYTHING,
    )
    return draw(st.lists(one, max_size=3))


@given(st.data(), st.lists(KEYS, max_size=4), BODIES)
@examples(MANY)
def test_it_says_what_an_independent_reading_says(
    data: st.DataObject, keys: list[bytes], body: bytes
) -> None:
    signatures = data.draw(headers(keys, body))
    assert matching_slot(keys, body, signatures) == oracle(keys, body, signatures)


@given(st.lists(st.binary(max_size=200), max_size=4), BODIES, st.lists(ANYTHING, max_size=4))
@example([b""], b"", [""])
@example([b"k"], b"", ["\ud800" * 64])
@example([b"k"], b"", ["é" * 64])
@example([b"k"], b"", ["a" * 1_000_000])
@examples(MANY)
def test_no_header_whatever_is_an_error_or_right_by_chance(
    keys: list[bytes], body: bytes, signatures: list[str]
) -> None:
    assert matching_slot(keys, body, signatures) is None


@given(KEYS, BODIES)
@examples(SOME)
def test_the_right_signature_is_right_whichever_slot_its_key_has(key: bytes, body: bytes) -> None:
    other = key + b"other"
    given_one = [signed(key, body)]
    assert matching_slot([key], body, given_one) == 0
    assert matching_slot([other, key], body, given_one) == 1
    assert matching_slot([key, key], body, given_one) == 0
    assert matching_slot([other], body, given_one) is None


def flipped(raw: bytes, bit: int) -> bytes:
    changed = bytearray(raw)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@given(st.data(), KEYS, st.binary(min_size=1, max_size=2_000))
@examples(SOME)
def test_any_other_bit_of_the_body_is_refused(data: st.DataObject, key: bytes, body: bytes) -> None:
    bit = data.draw(st.integers(0, len(body) * 8 - 1))
    assert matching_slot([key], flipped(body, bit), [signed(key, body)]) is None


@given(st.data(), KEYS, BODIES)
@examples(SOME)
def test_any_other_bit_of_the_key_is_refused(data: st.DataObject, key: bytes, body: bytes) -> None:
    bit = data.draw(st.integers(0, len(key) * 8 - 1))
    assert matching_slot([flipped(key, bit)], body, [signed(key, body)]) is None


@given(KEYS, BODIES, st.integers(0, 63), st.characters())
@examples(SOME)
def test_any_other_character_of_the_signature_is_refused(
    key: bytes, body: bytes, place: int, character: str
) -> None:
    right = signed(key, body)
    assume(character != right[place])
    wrong = f"{right[:place]}{character}{right[place + 1 :]}"
    assert matching_slot([key], body, [wrong]) is None


@pytest.mark.parametrize("body", [b"", b'{"ping":"x"}'])
def test_each_single_change_of_a_signature_is_refused(body: bytes) -> None:
    """All of them, for once, rather than many."""
    right = signed(b"key", body)
    for place in range(64):
        for digit in HEX.replace(right[place], "") + right[place].upper() * right[place].isalpha():
            wrong = f"{right[:place]}{digit}{right[place + 1 :]}"
            assert matching_slot([b"key"], body, [wrong]) is None


@given(KEYS, BODIES, st.binary(min_size=1, max_size=3))
@examples(SOME)
def test_what_is_put_around_the_body_is_refused(key: bytes, body: bytes, more: bytes) -> None:
    right = [signed(key, body)]
    assert matching_slot([key], body + more, right) is None
    assert matching_slot([key], more + body, right) is None
