"""What the double does with each command: the same checks, in the same order, as the service's handlers."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from schemas import commands as c
from schemas.base import Command, Event
from schemas.events import (
    Aal2ChallengeFailed,
    ConsolidatedDataFailed,
    IdentityVerificationFailed,
    NetworkQueryRefused,
)
from schemas.ids import PatientId
from schemas.reasons import REMEDIES, Reason
from schemas.sources import PurposeOfUse
from service.ias.aal2 import UNKNOWN_CODE, ChallengeState
from service.ias.aal2_steps import Confirm
from service.ias.consolidated import refuse_range
from service.ias.network_query import refuse_start
from service.ias.purpose import refuse_use
from service.ias.refusal import Refusal
from service.ias.telling import head
from service.testing import delivering, person, querying, registering, retrieving, stopping
from service.testing.memory import Early
from service.testing.world import World


def register(world: World, command: c.RegisterPatient) -> None:
    """``RegisterPatient``. What is sealed is not opened: it is one person, whoever that is."""
    who = command.demographics or command.demographics_sealed
    if who is None or (command.demographics and command.demographics_sealed):
        text = "give either demographics or demographicsSealed"
        world.reject(command, Refusal(Reason.INVALID_FIELD, text, "demographics"))
        return
    about = head(command.subject_id, None, command.command_id)
    registering.register(world, about, command.purpose, who, command.external_id)


def link(world: World, command: c.LinkPatient) -> None:
    """``LinkPatient``: Metriport knows every patient here."""
    about = head(command.subject_id, command.patient_id, command.command_id)
    registering.register(world, about, command.purpose, command.patient_id)


def verify_identity(world: World, command: c.StartIdentityVerification) -> None:
    """``StartIdentityVerification``."""
    longest = world.now + world.terms.verification_lifetime
    until = min(command.expires_at or longest, longest)
    invalid = world.refuse_return_url(command.return_url)
    if invalid is None and until <= world.now:
        invalid = Refusal(Reason.DEADLINE_PASSED, "expiresAt has passed", "expiresAt")
    if invalid is not None:
        world.reject(command, invalid)
        return
    refused = _refuse_use(world, command, command.patient_id) or _refuse_as_wanted(world)
    if refused is not None:
        _end(world, IdentityVerificationFailed, command, command.patient_id, refused)
        return
    about = head(command.subject_id, command.patient_id, command.command_id)
    person.ask_identity(world, about, command.patient_id, until)


def challenge(world: World, command: c.StartAal2Challenge) -> None:
    """``StartAal2Challenge``."""
    invalid = world.refuse_return_url(command.return_url)
    if invalid is not None:
        world.reject(command, invalid)
        return
    refused = _refuse_use(world, command, command.patient_id) or _refuse_as_wanted(world)
    identity = world.subject(command.subject_id).active(command.patient_id)
    if refused is None and identity is None:
        refused = Refusal(Reason.NO_ACTIVE_IDENTITY, "the person is not proofed for this patient")
    if refused is not None or identity is None:
        _end(world, Aal2ChallengeFailed, command, command.patient_id, refused)
        return
    about = head(command.subject_id, command.patient_id, command.command_id)
    until = world.now + world.terms.challenge_lifetime
    person.ask_challenge(world, about, identity, command.return_url, until)


def confirm(world: World, command: c.ConfirmReturn) -> None:
    """``ConfirmReturn``: the code is looked up with the subject, and a session is confirmed once.

    An unknown code waits while somebody may come back with it; here nobody does, as a code is learnt
    from a return.
    """
    subject = world.subject(command.subject_id)
    kept = next((one for one in subject.sessions if one.code == command.code), None)
    if kept is None:
        is_awaited = any(one.state is ChallengeState.PENDING for one in subject.challenges)
        if is_awaited and all(one.command.code != command.code for one in subject.early):
            subject.early.append(Early(command, world.now))
        else:
            world.reject(command, UNKNOWN_CODE)
        return
    about = head(command.subject_id, kept.rule.patient_id, command.command_id)
    if person.move_session(world, kept, Confirm(world.terms.code_lifetime), about):
        querying.go_on(world, kept)


def query(world: World, command: c.StartNetworkQuery) -> None:
    """``StartNetworkQuery``."""
    longest = world.now + world.terms.query_deadline
    deadline = min(command.deadline or longest, longest)
    sources, purpose = command.sources.chosen(), command.purpose_of_use
    invalid = world.refuse_sources(sources, deadline)
    if invalid is not None:
        world.reject(command, invalid)
        return
    about = head(command.subject_id, command.patient_id, command.command_id)
    identity, kept = world.proof(about)
    refused = _refuse_use(world, command, command.patient_id, purpose) or refuse_start(
        purpose, has_active_identity=identity is not None, has_usable_session=kept is not None
    )
    if refused is not None:
        _end(world, NetworkQueryRefused, command, command.patient_id, refused)
        return
    querying.take_turn(world, querying.queue(world, about, purpose, sources, deadline))


def consolidate(world: World, command: c.StartConsolidatedQuery) -> None:
    """``StartConsolidatedQuery``."""
    empty = refuse_range(command.date_from, command.date_to)
    if empty is not None:
        world.reject(command, empty)
        return
    _consolidate(world, command, command.patient_id, command.conversion_type)


def renew(world: World, command: c.RenewDataLink) -> None:
    """``RenewDataLink``: the same query once more, under another request id."""
    deliveries = world.subject(command.subject_id).deliveries
    earlier = next((one for one in deliveries if one.request_id == command.request_id), None)
    if earlier is None:
        unknown = Refusal(Reason.INVALID_FIELD, "no such request of this subject", "requestId")
        world.reject(command, unknown)
        return
    _consolidate(world, command, earlier.patient_id, earlier.conversion_type)


def _consolidate(
    world: World, command: Command, patient_id: PatientId, conversion_type: c.ConversionType
) -> None:
    about = head(command.subject_id, patient_id, command.command_id)
    refused = world.refuse_data(about)
    if refused is not None:
        _end(world, ConsolidatedDataFailed, command, patient_id, refused)
        return
    delivering.start(world, about, patient_id, conversion_type)


def _refuse_use(
    world: World,
    command: Command,
    patient_id: PatientId,
    purpose: PurposeOfUse = PurposeOfUse.IAS,
) -> Refusal | None:
    held = world.subject(command.subject_id).links.get(patient_id)
    return refuse_use(held, purpose, treatment_enabled=world.terms.treatment_enabled)


def _refuse_as_wanted(world: World) -> Refusal | None:
    """A step that the person is asked for calls nobody yet; it is refused itself, if a test wants it."""
    reason = world.take_refusal()
    return None if reason is None else Refusal(reason, REMEDIES[reason])


def _end(
    world: World,
    kind: type[Event],
    command: Command,
    patient_id: PatientId,
    refused: Refusal | None,
) -> None:
    """End the command with its own event of refusal or failure."""
    if refused is not None:
        about = head(command.subject_id, patient_id, command.command_id)
        reason, message = refused.reason, refused.message
        event = kind(**about, reason=reason, message=message)  # type: ignore[call-arg]  # all have both
        world.tell([event])


HANDLERS: Final[Mapping[type[Command], Callable[[World, Any], None]]] = {
    c.RegisterPatient: register,
    c.LinkPatient: link,
    c.StartIdentityVerification: verify_identity,
    c.StartAal2Challenge: challenge,
    c.ConfirmReturn: confirm,
    c.StartNetworkQuery: query,
    c.StartConsolidatedQuery: consolidate,
    c.RenewDataLink: renew,
    c.RequestRecords: retrieving.start,
    c.CancelRecordRequest: retrieving.cancel,
    c.RevokeIdentity: stopping.revoke,
    c.EraseSubject: stopping.erase,
}
"""The commands that the double acts on; others are answered ``not_supported``."""
