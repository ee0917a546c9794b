"""Reading what was sent: refused in one way, or understood; never another error, never for long."""

import json
import re
from itertools import product
from typing import Any

import msgspec
from hypothesis import assume, event, example, given
from hypothesis import strategies as st

from schemas import commands, events
from schemas.metriport.webhooks import (
    KNOWN_TYPES,
    ConsolidatedData,
    HasMeta,
    IdentityVerified,
    NetworkQuery,
    Ping,
)
from schemas.problems import InvalidMessageError, decode, decode_part
from service.ingress.peek import peek
from tests.fuzz.bodies import BODIES, SECRETS, VALUES, spelled, spoilt_samples, texts_within
from tests.fuzz.judging import (
    RECORDER,
    assert_record_can_be_read,
    assert_understood,
    looked_at,
    names_a_secret,
)
from tests.fuzz.profiles import examples

SECONDS = 2.0
"""For one body of up to 300 KB on a busy machine; most take less than a millisecond."""

KINDS: list[type[Any]] = [
    HasMeta,
    Ping,
    IdentityVerified,
    NetworkQuery,
    ConsolidatedData,
    commands.RegisterPatient,
    commands.RequestRecords,
    commands.StartConsolidatedQuery,
    commands.EraseSubject,
    events.CommandRejected,
]
META = b'{"meta":{"messageId":"m-1","type":"network-query.hie","when":%b}}'


@given(BODIES)
@example(b"")
@example(b"null")
@example(b"\xef\xbb\xbf{}")
@example(b'%b,"patientId":"%b"}' % ((META % b"null")[:-1], b"p" * 256))
@example(META % b'"0001-01-01T00:00:00+23:59"')
@example(META % b'"9999-12-31T23:59:59.999999-23:59"')
@examples(1_500, within=SECONDS)
def test_a_body_is_refused_in_one_way_or_makes_a_record_that_kafka_and_consumers_take(
    body: bytes,
) -> None:
    """I1, I6: else an answer of 200 would stand for a record that nobody can open."""
    peeked = looked_at(body)
    event("understood" if peeked else "refused")
    if peeked is None:
        return
    assert_understood(peeked)
    if names_a_secret(body):
        event("names a secret")
        assert peeked.seal
    assert_record_can_be_read(RECORDER.webhook(body, "0" * 64, peeked), peeked, body)


@st.composite
def naming_a_secret(draw: st.DrawFn) -> bytes:
    """A harmless webhook that names an identity or session somewhere, in any spelling."""
    name = draw(st.sampled_from(SECRETS).flatmap(spelled))
    for _ in range(draw(st.integers(0, 2))):  # a JSON text within a JSON text
        name = json.dumps((b"{%b:1}" % name).decode()).encode()
    around = draw(
        st.sampled_from(
            [
                b'{"payload":{"patientId":"p",%b:"x"},"meta":%%b}',
                b'{"meta":%%b,"payload":{"patientId":"p","note":[{"x":%b}]}}',
                b'{%b:1,"meta":%%b}',
                b'{"meta":%%b,"patients":[{"patientId":"p","metadata":{%b:null}}]}',
            ]
        )
    )
    kind = draw(st.sampled_from(sorted(KNOWN_TYPES)))
    return (around % name) % json.dumps({"messageId": "m-1", "type": kind}).encode()


@given(naming_a_secret())
@examples(1_000, within=SECONDS)
def test_every_spelling_of_a_name_is_seen(body: bytes) -> None:
    """I7: upper case, escapes of any letter, a text within a text."""
    assert peek(body).seal


def test_a_body_that_names_none_is_not_sealed() -> None:
    """Else the tests above would show nothing."""
    assert not peek(b'{"meta":{"messageId":"m-1","type":"network-query.hie"},"x":"\xc3\xa9"}').seal


@given(BODIES)
@examples(1_000, within=SECONDS)
def test_decoding_is_refused_in_one_way_or_gives_text_that_postgres_holds(body: bytes) -> None:
    for kind, read in product(KINDS, (decode, decode_part)):
        try:
            found = read(body, kind)
        except InvalidMessageError:
            continue
        assert isinstance(found, kind)
        text = msgspec.json.encode(found).replace(rb"\\", b"")
        assert read is decode_part or b"\\u0000" not in text


ERASURE = {"commandId": "018f5d3c-aaaa-7000-8000-000000000014", "subjectId": "user-8f14"}


@given(spoilt_samples([ERASURE, {**ERASURE, "metadata": {"a": "b"}, "later": [1, {"x": "y"}]}]))
@examples(1_000, within=SECONDS)
def test_a_spoilt_command_is_refused_or_is_one_that_another_reader_sees_too(body: bytes) -> None:
    try:
        command = decode(body, commands.EraseSubject)
    except InvalidMessageError:
        return
    event("understood")
    assert command.subject_id in (texts_within(body) or ())


@given(VALUES)
@examples(500, within=SECONDS)
def test_a_text_without_nul_or_lone_surrogate_comes_back_as_it_was(value: Any) -> None:
    assume("\\u0000" not in (raw := json.dumps(value, allow_nan=True)).replace(r"\\", ""))
    try:
        found = decode(raw.encode(), object)
    except InvalidMessageError:
        event("refused")
        assert re.search(r"NaN|Infinity|\d{19}", raw)
    else:
        assert found == json.loads(raw)


HEAD = b'{"meta":{"messageId":"m-1","type":"network-query.hie"},"payload":'


@given(
    st.sampled_from([b"", b'"', HEAD, HEAD + b'"', b'{"x":"']),
    st.lists(
        st.sampled_from([b'"', b"\\", b"u", b"d8", b"00", b"{", b"[", b"]", b"}", b":", b",", b"a"])
        | st.binary(min_size=1, max_size=1),
        min_size=1,
        max_size=6,
    ).map(b"".join),
    st.sampled_from([b"", b'"', b'"}', b"}"]),
)
@example(b"", b'\\"', b"")
@example(b'"', b'\\"', b"")
@example(b"", b"\\ud83d", b'"')
@examples(250, within=SECONDS)
def test_a_long_body_of_any_pattern_takes_no_longer_than_its_length_explains(
    before: bytes, unit: bytes, behind: bytes
) -> None:
    body = before + unit * (200_000 // len(unit)) + behind
    looked_at(body)
    for read in (decode, decode_part):
        try:
            read(body, HasMeta)
        except InvalidMessageError:
            continue
