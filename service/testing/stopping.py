"""Revocation and erasure: everything of a subject and patient, or of a subject, at once."""

from schemas.commands import EraseSubject, RevokeIdentity
from schemas.events import IdentityRevoked
from schemas.sources import PurposeOfUse
from service.ias.aal2_table import ChallengeCue, SessionCue
from service.ias.consolidated_table import ConsolidatedCue
from service.ias.erasure import receipt, rule
from service.ias.identity_steps import on_identity
from service.ias.identity_table import IdentityCue, VerificationCue
from service.ias.network_query_table import QueryCue
from service.ias.purpose import refuse_use
from service.ias.telling import head
from service.testing import delivering, person, querying, retrieving
from service.testing.world import World


def revoke(world: World, command: RevokeIdentity) -> None:
    """Steps end first, then what was built on them; the revocation itself is told last."""
    about = head(command.subject_id, command.patient_id, command.command_id)
    allowed = world.terms.treatment_enabled
    refused = refuse_use(world.purpose(about), PurposeOfUse.IAS, treatment_enabled=allowed)
    if refused is not None:
        world.reject(command, refused)
        return
    _end_steps(world, command)
    _end_requests(world, command)
    pair = head(command.subject_id, command.patient_id)
    for identity in world.subject(command.subject_id).identities:
        if identity.patient_id == command.patient_id:
            cue = IdentityCue.REVOKED
            identity.state = on_identity(identity.state, cue, pair, command.reason).state
    for retrieval in world.subject(command.subject_id).retrievals:
        if retrieval.patient_id == command.patient_id and retrieval.end is None:
            retrieving.advance(world, retrieval, revoked=True)
    world.tell([IdentityRevoked(**about, reason=command.reason)])


def _end_steps(world: World, command: RevokeIdentity) -> None:
    subject, patient_id = world.subject(command.subject_id), command.patient_id
    for proofing in subject.proofings:
        if proofing.rule.patient_id == patient_id:
            person.end_proofing(world, proofing, VerificationCue.REVOKED)
    for challenge in subject.challenges:
        if challenge.identity.patient_id == patient_id:
            person.end_challenge(world, challenge, ChallengeCue.REVOKED)
    for kept in subject.sessions:
        if kept.rule.patient_id == patient_id:
            person.move_session(world, kept, SessionCue.REVOKED, kept.about)


def _end_requests(world: World, command: RevokeIdentity) -> None:
    subject, patient_id = world.subject(command.subject_id), command.patient_id
    for query in subject.queries:
        ours = query.about["patient_id"] == patient_id and query.purpose is PurposeOfUse.IAS
        if ours and not query.withheld:
            querying.end(world, query, QueryCue.REVOKED)
            query.withheld = True
    for delivery in subject.deliveries:
        if delivery.patient_id == patient_id:
            delivering.hear(world, delivery, ConsolidatedCue.REVOKED)


def erase(world: World, command: EraseSubject) -> None:
    """Place or lift the hold that the command names, then forget the subject or say why not."""
    subject = world.subject(command.subject_id)
    ruling = rule(held=subject.legal_hold, asked=command.legal_hold)
    subject.legal_hold = ruling.held
    if ruling.refused is not None:
        world.reject(command, ruling.refused)
        return
    for retrieval in subject.retrievals:
        world.tell_state(retrieval.request_id)
    mine = {query.query_id for query in subject.queries}
    world.slots = {who: which for who, which in world.slots.items() if which not in mine}
    del world.subjects[command.subject_id]
    about = head(command.subject_id, None, command.command_id)
    world.tell([receipt(about, world.now, world.terms.backup_retention)])
    world.outbox.end_all(command.subject_id)
