"""``StartNetworkQuery``: check the link's purpose, identity and session; queue the call."""

from collections.abc import Sequence
from uuid import uuid4

from consumers.commands.answers import refuse, reject
from consumers.context import Context
from schemas.commands import StartNetworkQuery
from schemas.events import NetworkQueryQueued, NetworkQueryRefused
from schemas.ids import IdentityId, RequestId
from schemas.reasons import Reason
from schemas.sources import PurposeOfUse, Source
from service.ias import network_query as rules
from service.ias.aal2 import Session
from service.ias.network_query import QueryState
from service.ias.purpose import refuse_use
from service.ias.refusal import Refusal
from service.ias.telling import head
from service.store import calls, identities, outbox, patients, queries, sessions
from service.store.calls import Operation
from service.store.queries import Query
from service.store.unit import Unit


async def handle(unit: Unit, context: Context, command: StartNetworkQuery) -> None:
    """Queue the query; the gateway checks all of it again before it calls."""
    deadline = min(
        command.deadline or unit.now + context.rules.query_deadline,
        unit.now + context.rules.query_deadline,
    )
    invalid = _refuse_fields(command, expired=deadline <= unit.now)
    if invalid is not None:
        await reject(unit, command, invalid)
        return
    identity_id, session = await _proof(unit, context, command)
    refused = await _refuse(unit, context, command, identity_id, session)
    if refused is not None:
        await refuse(unit, NetworkQueryRefused, command, command.patient_id, refused)
        return
    query = Query(
        RequestId(uuid4()),
        command.subject_id,
        command.patient_id,
        command.purpose_of_use,
        identity_id if session is not None else None,
        None if session is None else session.session_id,
        command.command_id,
        QueryState.DUE,
        deadline,
    )
    consent = command.consent_reference
    reference = (None, None) if consent is None else (consent.id, consent.notice_version)
    background = command.priority == "background"
    await queue(unit, query, command.sources.chosen(), reference, background=background)


async def queue(
    unit: Unit,
    query: Query,
    sources: Sequence[Source],
    consent: tuple[str | None, str | None],
    *,
    background: bool = False,
) -> None:
    """Store the query, schedule its call and say that it waits for its turn."""
    await queries.create(unit, query, sources, consent)
    await calls.schedule(
        unit,
        Operation.START_NETWORK_QUERY,
        query.subject_id,
        query.query_id,
        background=background,
    )
    about = head(query.subject_id, query.patient_id, query.command_id, query.query_id)
    await outbox.emit(unit, NetworkQueryQueued(**about))


def _refuse_fields(command: StartNetworkQuery, *, expired: bool) -> Refusal | None:
    if not command.sources.chosen():
        return Refusal(Reason.INVALID_FIELD, "at least one source must be enabled", "sources")
    if expired:
        return Refusal(Reason.DEADLINE_PASSED, "the deadline has passed", "deadline")
    return None


async def _proof(
    unit: Unit, context: Context, command: StartNetworkQuery
) -> tuple[IdentityId | None, Session | None]:
    """The active identity and its newest session that may be used; neither for treatment."""
    if command.purpose_of_use is PurposeOfUse.TREATMENT:
        return None, None
    identity_id = await identities.active(unit, command.subject_id, command.patient_id)
    if identity_id is None:
        return None, None
    return identity_id, await sessions.usable(unit, identity_id, context.session_use)


async def _refuse(
    unit: Unit,
    context: Context,
    command: StartNetworkQuery,
    identity_id: IdentityId | None,
    session: Session | None,
) -> Refusal | None:
    link = await patients.purpose(unit, command.subject_id, command.patient_id)
    purpose = command.purpose_of_use
    allowed = context.rules.treatment_enabled
    return refuse_use(link, purpose, treatment_enabled=allowed) or rules.refuse_start(
        purpose,
        has_active_identity=identity_id is not None,
        has_usable_session=session is not None,
    )
