"""People whose queries have started, for the webhooks of one round; and a million rows of history."""

import uuid
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import asyncpg

from service.crypto import envelope
from service.crypto.keys import KeyRing

SOURCES = ("hie", "pharmacy", "lab")

COLUMNS = {
    "subject": ("subject_id", "data_key"),
    "command": ("subject_id", "command_id", "command_type", "content_digest"),
    "patient_link": ("subject_id", "patient_id", "purpose", "matched_existing"),
    "identity_verification": (
        *("verification_id", "subject_id", "patient_id", "command_id", "state", "expires_at"),
    ),
    "identity": (
        *("identity_id", "verification_id", "subject_id", "patient_id", "proofed_digest"),
        *("proofed_box", "state", "verified_at"),
    ),
    "aal2_challenge": (
        *("challenge_id", "identity_id", "subject_id", "patient_id", "command_id", "state"),
        "expires_at",
    ),
    "aal2_session": (
        *("session_id", "challenge_id", "identity_id", "subject_id", "patient_id"),
        *("session_digest", "session_box", "code_hash", "state", "returned_at"),
    ),
    "network_query": (
        *("query_id", "subject_id", "patient_id", "purpose", "identity_id", "session_id"),
        *("command_id", "state", "hie_slot", "vendor_request_id", "deadline"),
    ),
    "network_query_source": ("query_id", "source", "status"),
}

HISTORY = """
insert into inbox (source, message_digest, received_at)
select 'metriport', sha256(('old ' || n)::bytea), now() - n * interval '20 seconds'
from generate_series(1, 700000) n;

insert into subject (subject_id, data_key)
select 'old-' || n, '\\x00' from generate_series(1, 1000) n;

insert into command (subject_id, command_id, command_type, content_digest)
select 'old-' || n, md5('c' || n)::uuid, 'ias.command.StartNetworkQuery', '\\x00'
from generate_series(1, 1000) n;

insert into patient_link (subject_id, patient_id, purpose, matched_existing)
select 'old-' || n, 'old-patient-' || n, 'treatment', false from generate_series(1, 1000) n;

insert into network_query
    (query_id, subject_id, patient_id, purpose, command_id, state, vendor_request_id, deadline)
select md5('q' || n)::uuid, 'old-' || (n % 1000 + 1), 'old-patient-' || (n % 1000 + 1),
    'treatment', md5('c' || (n % 1000 + 1))::uuid, 'completed', 'old-request-' || n, now()
from generate_series(1, 75000) n;

insert into network_query_source (query_id, source, status, finished_at)
select md5('q' || n)::uuid, source, 'completed', now()
from generate_series(1, 75000) n, unnest(array['hie', 'pharmacy', 'lab']) source;
"""
"""700,000 + 75,000 + 225,000 rows, and a few thousand that they refer to."""


class Started(NamedTuple):
    """A query that the vendor works on."""

    request_id: str
    patient_id: str
    subject_id: str


async def started(
    connection: asyncpg.Connection, encryption_keys: str, count: int
) -> list[Started]:
    """Write so many people, each with a query of all sources that has started."""
    ring = KeyRing(tuple(b64decode(key) for key in encryption_keys.split(",")))
    made = [
        Started(str(uuid.uuid4()), str(uuid.uuid4()), f"subject-{uuid.uuid4().hex}")
        for _ in range(count)
    ]
    rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in COLUMNS}
    for one in made:
        for table, *row in _person(ring, one):
            rows[table].append(tuple(row))
    for table, columns in COLUMNS.items():
        await connection.copy_records_to_table(table, records=rows[table], columns=columns)
    await connection.execute("vacuum analyze")  # the bench's Postgres runs no autovacuum
    await connection.execute("checkpoint")
    return made


def _person(ring: KeyRing, one: Started) -> list[tuple[Any, ...]]:
    command, verification, identity, challenge, session, query = (uuid.uuid4() for _ in range(6))
    pair, now = (one.subject_id, one.patient_id), datetime.now(UTC)
    later = now + timedelta(days=1)
    _, data_key = envelope.new_data_key(ring, one.subject_id)
    digests = [uuid.uuid4().bytes * 2 for _ in range(3)]
    return [
        ("subject", one.subject_id, data_key),
        ("command", one.subject_id, command, "ias.command.StartNetworkQuery", digests[0]),
        ("patient_link", *pair, "ias", False),
        ("identity_verification", verification, *pair, command, "verified", later),
        ("identity", identity, verification, *pair, digests[1], b"\x00", "active", now),
        ("aal2_challenge", challenge, identity, *pair, command, "returned", later),
        (
            *("aal2_session", session, challenge, identity, *pair),
            *(digests[1], b"\x00", digests[2], "proven", now),
        ),
        (
            *("network_query", query, *pair, "ias", identity, session, command),
            *("started", True, one.request_id, later),
        ),
        *(("network_query_source", query, source, "processing") for source in SOURCES),
    ]
