from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.as_told import encode_event, encode_link
from schemas.base import Event
from schemas.client import Received, UnknownMessage, decode, decode_event
from schemas.events import Aal2SessionExpired, DispatchResumed, Remainder, SubjectErased
from schemas.ids import LinkId, PatientId, SubjectId
from schemas.links import Link, LinkKind
from schemas.seen import Place, Seen, Sight, place, sight

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ANN, BOB = SubjectId("ann"), SubjectId("bob")


def received(event: Event) -> Received[Event] | UnknownMessage:
    record = encode_event(event, event_id=uuid4(), time=NOW)
    return decode_event(record["headers"], record["value"])


def number(sequence: int, subject_id: SubjectId = ANN) -> Received[Event] | UnknownMessage:
    return received(Aal2SessionExpired(sequence=sequence, subject_id=subject_id))


@given(st.lists(st.integers(1, 12), max_size=40))
def test_whatever_is_repeated_each_number_is_new_once_and_only_jumps_are_gaps(
    numbers: list[int],
) -> None:
    seen, highest = Seen(), None
    for sequence in numbers:
        found = seen.look(number(sequence))
        if highest is None:
            assert found is Sight.NEW
        elif sequence <= highest:
            assert found is Sight.REPEAT
        else:
            assert found is (Sight.NEW if sequence == highest + 1 else Sight.GAP)
        highest = max(highest or 0, sequence)


def test_subjects_are_counted_apart() -> None:
    seen = Seen()
    assert [seen.look(number(1, who)) for who in (ANN, BOB)] == [Sight.NEW, Sight.NEW]
    assert seen.look(number(1, ANN)) is Sight.REPEAT


def test_a_reader_goes_on_from_what_it_kept() -> None:
    seen = Seen({ANN: 4})
    assert [seen.look(number(n)) for n in (4, 5, 8, 9)] == [
        Sight.REPEAT,
        Sight.NEW,
        Sight.GAP,
        Sight.NEW,
    ]


def test_the_receipt_of_an_erasure_may_follow_a_gap() -> None:
    erased = SubjectErased(sequence=9, subject_id=ANN, complete_by=NOW, not_erased=list(Remainder))
    assert Seen({ANN: 4}).look(received(erased)) is Sight.NEW


def test_an_unknown_event_has_its_place_too() -> None:
    seen = Seen({ANN: 4})
    later = UnknownMessage(id="1", type="t", time=NOW, traceparent=None, subject_id=ANN, sequence=5)
    assert seen.look(later) is Sight.NEW
    assert seen.look(number(6)) is Sight.NEW


def test_what_is_about_no_subject_has_no_number_and_is_always_new() -> None:
    told = received(DispatchResumed(sequence=0, subject_id=SubjectId("operators")))
    nameless = UnknownMessage(id="1", type="t", time=NOW, traceparent=None)
    seen = Seen()
    assert [seen.look(told), seen.look(told), seen.look(nameless)] == [Sight.NEW] * 3


@pytest.mark.parametrize("sequence", [0, None])
def test_no_number_is_no_repeat(sequence: int | None) -> None:
    assert sight(7, Place(ANN, sequence)) is Sight.NEW


def test_a_link_has_no_place_among_the_events() -> None:
    link = Link(
        link_id=LinkId(uuid4()),
        kind=LinkKind.HOSTED_STEP,
        url="https://ias.example.com/go/1",
        expires_at=NOW,
        subject_id=ANN,
        patient_id=PatientId("p"),
    )
    record = encode_link(link, time=NOW)
    assert place(decode(record["headers"], record["value"])) == Place()
