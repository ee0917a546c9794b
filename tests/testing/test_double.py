"""What another team may rely on in its tests."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from schemas import commands as c
from schemas import events as e
from schemas.client import Received, RecordError, Tombstone, decode, encode_command
from schemas.ids import LinkId
from schemas.links import LinkKind
from schemas.reasons import Reason
from schemas.sources import PurposeOfUse, Source
from service.settings.reader import Reader
from service.settings.rules import Rules
from service.testing import IasDouble, Terms
from service.testing.commands import HANDLERS
from service.testing.double import NothingToDoError
from tests.testing.cast import ANN, BACK, BOB, JANE, Member


def test_the_terms_are_those_of_a_deployment_that_sets_nothing() -> None:
    rules = Rules.read(Reader({}))
    ours = Terms()
    for name in set(Terms.__dataclass_fields__) - {"return_urls", "public_url"}:
        assert getattr(ours, name) == getattr(rules, name), name


def test_every_command_of_the_flow_is_acted_on() -> None:
    assert set(c.COMMANDS.values()) - set(HANDLERS) == {c.AdoptIdentity, c.CompleteAal2Challenge}


def test_the_same_calls_tell_the_same_messages() -> None:
    def story() -> IasDouble:
        member = Member(IasDouble()).ready()
        member.query()
        member.finish()
        return member.double

    assert story().told == story().told


def test_sequences_are_gapless_and_links_are_told_in_links_alone(ann: Member) -> None:
    ann.ready().query()
    ann.finish()
    ann.about(c.StartConsolidatedQuery)
    ann.double.vendor_delivers(ANN)
    events = ann.double.events(ANN)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert "http" not in str(events)
    ready = ann.last(e.ConsolidatedDataReady)
    link = ann.double.link(ready.link_id)
    assert (link.kind, link.expires_at) == (LinkKind.CONSOLIDATED_DATA, ready.expires_at)


def test_what_is_told_is_what_a_reader_of_kafka_decodes(ann: Member) -> None:
    ann.request(demographics=JANE)
    ann.send(c.EraseSubject)
    read = [decode(record["headers"], record["value"]) for record in ann.double.records("eu.")]
    for told, found in zip(ann.double.told, read, strict=True):
        if isinstance(found, Tombstone):
            assert found.request_id == told.message
        else:
            assert isinstance(found, Received)
            assert (found.message, found.time) == (told.message, told.time)
    assert {type(one) for one in read} == {Received, Tombstone}


def test_a_command_is_taken_from_its_record(double: IasDouble) -> None:
    command = Member(double).make(c.RegisterPatient, purpose=PurposeOfUse.IAS, demographics=JANE)
    record = encode_command(command, source="/tests")
    (told,) = double.receive(record["headers"], record["value"])
    assert isinstance(told.message, e.PatientRegistered)
    with pytest.raises(RecordError, match="ce_type"):
        double.receive(told.record()["headers"], told.record()["value"])


def test_a_repeat_is_answered_with_the_same_final_event(ann: Member) -> None:
    (first,) = ann.send(c.RegisterPatient, purpose=PurposeOfUse.IAS, demographics=JANE)
    (again,) = ann.double.send(ann.sent[0])
    assert again == first
    assert ann.double.events(ANN) == [first.message] * 2


def test_a_repeat_of_what_has_not_ended_is_answered_with_nothing(ann: Member) -> None:
    ann.registered().about(c.StartIdentityVerification, return_url=BACK)
    assert ann.double.send(ann.sent[-1]) == []


def test_a_used_id_with_other_content_is_refused_and_the_first_stands(ann: Member) -> None:
    ann.registered()
    used = ann.sent[0].command_id
    (told,) = ann.double.send(c.ConfirmReturn(command_id=used, subject_id=ANN, code="x" * 16))
    assert isinstance(told.message, e.CommandRejected)
    assert (told.message.reason, told.message.field) == (Reason.COMMAND_ID_REUSED, "commandId")
    (again,) = ann.double.send(ann.sent[0])
    assert isinstance(again.message, e.PatientRegistered)


def test_a_command_that_the_service_could_not_read_is_rejected_by_field(ann: Member) -> None:
    (told,) = ann.send(c.ConfirmReturn, code="short")
    assert isinstance(told.message, e.CommandRejected)
    assert (told.message.reason, told.message.field) == (Reason.INVALID_FIELD, "code")


def test_metadata_is_echoed_on_the_events_that_the_command_caused(ann: Member) -> None:
    pairs = {"tenant": "7"}
    ann.send(c.RegisterPatient, purpose=PurposeOfUse.IAS, demographics=JANE, metadata=pairs)
    assert ann.double.events()[-1].metadata == pairs


def test_somebody_with_the_same_traits_gets_the_same_patient(ann: Member) -> None:
    bob = Member(ann.double, BOB)
    ann.registered()
    ann.double.time_passes(timedelta(minutes=10))
    bob.registered()
    assert bob.patient_id == ann.patient_id
    assert [ann.last(e.PatientRegistered).matched_existing] == [False]
    assert bob.last(e.PatientRegistered).matched_existing


def test_a_patient_is_linked_for_one_purpose_for_ever() -> None:
    ann = Member(IasDouble(terms=Terms(treatment_enabled=True))).registered()
    ann.about(c.LinkPatient, purpose=PurposeOfUse.TREATMENT)
    assert ann.last(e.PatientRegistrationFailed).reason is Reason.PURPOSE_NOT_ALLOWED


@pytest.mark.parametrize(
    "play",
    [
        lambda double: double.person_proves_identity(ANN),
        lambda double: double.person_answers_challenge(ANN),
        lambda double: double.vendor_finishes(ANN, Source.HIE),
        lambda double: double.vendor_delivers(ANN),
        lambda double: double.link(LinkId(UUID(int=7))),
    ],
)
def test_a_part_that_nobody_waits_for_is_a_mistake_of_the_test(
    double: IasDouble, play: Any
) -> None:
    with pytest.raises(NothingToDoError):
        play(double)
