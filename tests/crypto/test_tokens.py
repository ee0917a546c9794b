"""What a browser carries: opaque, bound to its purpose, and unchangeable (I7)."""

import base64
import string

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.crypto import tokens
from service.crypto.keys import KeyRing
from service.crypto.tokens import InvalidTokenError

OLD, NEW = b"o" * 32, b"n" * 32
RING = KeyRing((OLD,))
URL_SAFE = set(string.ascii_letters + string.digits + "-_")


class Ticket(msgspec.Struct, frozen=True):
    """Something a token may hold."""

    step: str
    number: int


class Other(msgspec.Struct, frozen=True):
    """Something else."""

    step: int


TICKET = Ticket("canary-of-a-step", 7)
TOKEN = tokens.issue(RING, "link", TICKET)


def _refused(token: str, purpose: str = "link", ring: KeyRing = RING) -> None:
    with pytest.raises(InvalidTokenError) as caught:
        tokens.read(ring, purpose, token, Ticket)
    assert "canary" not in str(caught.value)
    assert len(token) < 20 or token not in str(caught.value)


@given(step=st.text(max_size=200), number=st.integers(0, 2**62))
def test_a_token_gives_its_content_back(step: str, number: int) -> None:
    ticket = Ticket(step, number)
    assert tokens.read(RING, "link", tokens.issue(RING, "link", ticket), Ticket) == ticket


@given(content=st.text(max_size=300))
def test_a_token_can_hold_plain_text(content: str) -> None:
    assert tokens.read(RING, "url", tokens.issue(RING, "url", content), str) == content


def test_a_token_is_fit_for_a_path_and_shows_nothing() -> None:
    assert set(TOKEN) <= URL_SAFE
    raw = base64.urlsafe_b64decode(TOKEN + "=" * (-len(TOKEN) % 4))
    assert b"canary" not in raw
    assert tokens.issue(RING, "link", TICKET) != TOKEN


@given(purpose=st.text().filter(lambda text: text != "link"))
def test_a_token_for_one_purpose_is_none_for_another(purpose: str) -> None:
    _refused(TOKEN, purpose)


@given(at=st.integers(0, len(TOKEN) - 1), letter=st.sampled_from(sorted(URL_SAFE)))
def test_a_token_with_another_letter_is_refused(at: int, letter: str) -> None:
    altered = TOKEN[:at] + letter + TOKEN[at + 1 :]
    if altered != TOKEN:
        _refused(altered)


@given(content=st.text(max_size=40))
def test_a_token_has_one_spelling_only(content: str) -> None:
    """Else one token could pass for many, for instance where a token is used once."""
    token = tokens.issue(RING, "url", content)
    padding = "=" * (-len(token) % 4)
    last = sorted(URL_SAFE - {token[-1]})
    spellings = [token + padding + "=", token + "\n", token.replace("-", "+").replace("_", "/")]
    for spelling in [*spellings, *(token[:-1] + letter for letter in last)]:
        if spelling != token:
            with pytest.raises(InvalidTokenError):
                tokens.read(RING, "url", spelling, str)


@given(text=st.one_of(st.text(), st.text(sorted(URL_SAFE)), st.text(st.characters(codec=None))))
def test_any_text_that_is_no_token_is_refused_and_nothing_else_is_raised(text: str) -> None:
    _refused(text)


@given(garbage=st.binary(max_size=100))
def test_any_bytes_that_are_no_token_are_refused(garbage: bytes) -> None:
    _refused(base64.urlsafe_b64encode(garbage).rstrip(b"=").decode())
    name = RING.newest[0]
    _refused(base64.urlsafe_b64encode(name + garbage).rstrip(b"=").decode())


def test_a_token_that_is_too_long_is_refused_before_it_is_opened() -> None:
    long = tokens.issue(RING, "link", Ticket("x" * 4000, 1))
    assert len(long) > 4096
    _refused(long)


def test_a_token_that_holds_something_else_is_refused() -> None:
    with pytest.raises(InvalidTokenError):
        tokens.read(RING, "link", TOKEN, Other)


def test_tokens_live_through_a_rotation_and_die_with_their_key() -> None:
    assert tokens.read(KeyRing((NEW, OLD)), "link", TOKEN, Ticket) == TICKET
    _refused(TOKEN, ring=KeyRing((NEW,)))
    fresh = tokens.issue(KeyRing((NEW, OLD)), "link", TICKET)
    assert tokens.read(KeyRing((NEW,)), "link", fresh, Ticket) == TICKET


def test_codes_are_of_256_bits_and_never_alike() -> None:
    codes = {tokens.new_code()[0] for _ in range(200)}
    assert len(codes) == 200
    for code in codes:
        assert set(code) <= URL_SAFE
        assert len(base64.urlsafe_b64decode(code + "=")) == 32


def test_a_code_comes_with_the_hash_that_is_stored() -> None:
    code, stored = tokens.new_code()
    assert tokens.code_hash(code) == stored
    assert code.encode() not in stored
    # sha256sum of "metriport-ias/return-code", a zero byte and "abc"
    assert tokens.code_hash("abc").hex() == (
        "b7ebf30e2ca2dab2ba27f633a54d79e2cbd33bf4a633472f6ab880f2666a5e84"
    )


def test_a_digest_of_a_secret_depends_on_its_kind() -> None:
    secret = "aal2_0199b1cf20417f58"
    # sha256sum of "metriport-ias/aal2-session", a zero byte and the secret
    assert tokens.secret_digest("aal2-session", secret).hex() == (
        "8d36cdf8cd965832e0c3bf2648f5ded888fc9db0f66ee56bec714e2ee49129e1"
    )
    assert tokens.secret_digest("identity", secret) != tokens.secret_digest("aal2-session", secret)
