"""Everything the database knows of one subject, as steps with their times: for the person on call.

Only states, ids of our own, the vendor's request ids and times are read: no box is opened, so no secret and
no demographic can come out.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from schemas.ids import CommandId, PatientId, SubjectId
from service.store import audit_entries, subjects
from service.store import audit_reading as audit
from service.store.pool import Connection
from service.store.unit import Unit

OF_COMMAND = "select subject_id from command where command_id = $1 order by subject_id"
OF_PATIENT = "select subject_id from patient_link where patient_id = $1 order by subject_id"
EXISTS = "select exists (select from subject where subject_id = $1)"
STEPS: Final = """
select 'command' as kind, received_at as at, command_type as what, jsonb_build_object(
    'command_id', command_id, 'final_event', final_type, 'final_at', final_time) as fields
from command where subject_id = $1
union all
select 'link', linked_at, purpose, jsonb_build_object(
    'patient_id', patient_id, 'matched_existing', matched_existing)
from patient_link where subject_id = $1
union all
select 'registration', created_at, state, jsonb_build_object('id', registration_id,
    'command_id', command_id, 'patient_id', patient_id, 'reason', reason)
from registration where subject_id = $1
union all
select 'identity verification', created_at, state, jsonb_build_object('id', verification_id,
    'command_id', command_id, 'patient_id', patient_id, 'expires_at', expires_at)
from identity_verification where subject_id = $1
union all
select 'identity', verified_at, state, jsonb_build_object('id', identity_id,
    'verification_id', verification_id, 'patient_id', patient_id)
from identity where subject_id = $1
union all
select 'challenge', created_at, state, jsonb_build_object('id', challenge_id,
    'command_id', command_id, 'patient_id', patient_id, 'expires_at', expires_at)
from aal2_challenge where subject_id = $1
union all
select 'session', returned_at, state, jsonb_build_object('id', session_id,
    'challenge_id', challenge_id, 'uses', uses, 'last_used_at', last_used_at)
from aal2_session where subject_id = $1
union all
select 'hosted page', opened_at, state, jsonb_build_object('id', open_id, 'link_id', link_id,
    'step', kind, 'reason', reason, 'expires_at', expires_at)
from hosted_page where subject_id = $1
union all
select 'network query', created_at, state, jsonb_build_object('id', query_id,
    'command_id', command_id, 'patient_id', patient_id, 'purpose', purpose,
    'vendor_request_id', vendor_request_id, 'reason', reason, 'deadline', deadline,
    'holds_hie_slot', hie_slot)
from network_query where subject_id = $1
union all
select 'source', coalesce(s.ended_at, q.created_at), s.status, jsonb_build_object(
    'query_id', s.query_id, 'source', s.source, 'finished_at', s.finished_at, 'reason', s.reason)
from network_query_source s join network_query q using (query_id) where q.subject_id = $1
union all
select 'consolidated query', created_at, state, jsonb_build_object('id', request_id,
    'command_id', command_id, 'patient_id', patient_id,
    'vendor_request_id', vendor_request_id, 'reason', reason)
from consolidated_query where subject_id = $1
union all
select 'record request', created_at, step, jsonb_build_object('id', request_id,
    'command_id', command_id, 'patient_id', patient_id, 'waiting_for', waiting_for,
    'result', result, 'reason', reason, 'deadline', deadline, 'verification_id', verification_id,
    'challenge_id', challenge_id, 'query_id', query_id, 'record_id', record_id)
from record_request where subject_id = $1
union all
select 'vendor call', coalesce(called_at, created_at), operation, jsonb_build_object(
    'for', ref_id, 'state', state, 'outcome', outcome, 'attempts', attempts,
    'due_at', case when state = 'due' then due_at end)
from vendor_call where subject_id = $1
union all
select 'waits to be told', created_at, type, jsonb_build_object('event_id', event_id, 'topic', topic)
from outbox where subject_id = $1
union all
select 'parked webhook', received_at, webhook_type, jsonb_build_object('message_id', message_id)
from parked_webhook where patient_ids && array(
    select patient_id from patient_link where subject_id = $1)
"""
HISTORY: Final = """
select 'vendor call', coalesce(called_at, created_at), operation, jsonb_build_object(
    'for', ref_id, 'state', 'done', 'outcome', outcome, 'attempts', attempts)
from vendor_call_history where ref_id = any($1::uuid[])
"""


class Step(NamedTuple):
    """One thing that happened, or that is: ``what`` is its state as of now where it has one."""

    at: datetime
    kind: str
    what: str
    fields: dict[str, Any]


async def subjects_of_command(unit: Unit, command_id: CommandId) -> list[SubjectId]:
    """Who sent a command of this id: an id is unique for one subject, not for all."""
    return [row[0] for row in await unit.conn.fetch(OF_COMMAND, command_id)]


async def subjects_of_patient(unit: Unit, patient_id: PatientId) -> list[SubjectId]:
    """Everybody who was ever linked to the patient."""
    return [row[0] for row in await unit.conn.fetch(OF_PATIENT, patient_id)]


async def is_there(unit: Unit, subject_id: SubjectId) -> bool:
    """Whether there is such a subject: not one who was erased."""
    found: bool = await unit.conn.fetchval(EXISTS, subject_id)
    return found


async def steps(unit: Unit, subject_id: SubjectId) -> list[Step]:
    """States and calls of one subject, in no order."""
    found = [_step(row) for row in await unit.conn.fetch(STEPS, subject_id)]
    ids = [step.fields["id"] for step in found if step.fields.get("id") is not None]
    return found + [_step(row) for row in await unit.conn.fetch(HISTORY, ids)]


async def audited(
    unit: Unit, connection: Connection, subject_id: SubjectId, since: datetime, until: datetime
) -> list[Step]:
    """What the audit recorded about one subject."""
    reference = audit_entries.subject_ref(subject_id, await subjects.data_key(unit, subject_id))
    return [
        Step(entry.recorded_at, "audit", entry.kind, {"id": str(entry.object_id or "")})
        async for entry in audit.entries(connection, since, until, reference)
    ]


def _step(row: Sequence[Any]) -> Step:
    kind, at, what, fields = row
    told = msgspec.json.decode(fields, type=dict[str, Any])
    return Step(at, kind, what, {name: value for name, value in told.items() if value is not None})
