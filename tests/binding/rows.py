"""Rows of two people, written by hand, and what the database answers when one does not fit."""

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg

FOREIGN_KEY, UNIQUE, CHECK, NO_RIGHT, NOT_NULL = "23503", "23505", "23514", "42501", "23502"
"""SQLSTATE codes (PostgreSQL documentation, appendix A)."""

Values = dict[str, Any]

DEFAULTS: dict[str, Values] = {
    "subject": {"data_key": b"k"},
    "command": {"command_type": "any", "content_digest": b"d"},
    "patient_link": {"matched_existing": False},
    "identity_verification": {"state": "verified"},
    "identity": {"proofed_box": b"b", "state": "active"},
    "aal2_challenge": {"state": "returned"},
    "aal2_session": {"session_box": b"b", "state": "confirmed"},
    "network_query": {"state": "due"},
    "consolidated_query": {"conversion_type": "json", "state": "due"},
}
TIMES = {
    "identity_verification": "expires_at",
    "identity": "verified_at",
    "aal2_challenge": "expires_at",
    "aal2_session": "returned_at",
    "network_query": "deadline",
}
FRESH = {
    "identity": ("proofed_digest",),
    "aal2_session": ("session_digest", "code_hash"),
}


async def insert(connection: asyncpg.Connection, table: str, **values: Any) -> None:
    """One row; what the test does not name is filled in with something harmless."""
    random = {name: uuid4().bytes for name in FRESH.get(table, ())}
    row = DEFAULTS.get(table, {}) | random | values
    columns, places = list(row), [f"${n}" for n in range(1, len(row) + 1)]
    if table in TIMES:
        columns.append(TIMES[table])
        places.append("now() + interval '1 hour'")
    sql = f"insert into {table} ({', '.join(columns)}) values ({', '.join(places)})"  # noqa: S608 - names of the tests' own
    await connection.execute(sql, *row.values())


async def refusal(connection: asyncpg.Connection, sql: str, *values: Any) -> tuple[str, str | None]:
    """SQLSTATE and constraint with which a statement is refused; it fails when it is not."""
    try:
        await connection.execute(sql, *values)
    except asyncpg.PostgresError as error:
        return str(error.sqlstate), error.as_dict().get("constraint_name")
    raise AssertionError("the schema let it through")


async def refused(
    connection: asyncpg.Connection, table: str, **values: Any
) -> tuple[str, str | None]:
    """SQLSTATE and constraint with which a row is refused; it fails when it is not."""
    try:
        await insert(connection, table, **values)
    except asyncpg.PostgresError as error:
        return str(error.sqlstate), error.as_dict().get("constraint_name")
    raise AssertionError("the schema let it through")


def digest(text: str) -> bytes:
    """Any digest will do: the schema compares bytes."""
    return hashlib.sha256(text.encode()).digest()


@dataclass(frozen=True, kw_only=True)
class Chain:
    """One person's row in every table, from the link to the session."""

    subject_id: str
    patient_id: str
    command_id: UUID
    verification_id: UUID
    identity_id: UUID
    challenge_id: UUID
    session_id: UUID

    @property
    def pair(self) -> Values:
        """Subject and patient."""
        return {"subject_id": self.subject_id, "patient_id": self.patient_id}

    @property
    def query(self) -> Values:
        """What an ias query of this person holds."""
        return self.pair | {
            "query_id": uuid4(),
            "purpose": "ias",
            "command_id": self.command_id,
            "identity_id": self.identity_id,
            "session_id": self.session_id,
        }

    @property
    def session(self) -> Values:
        """What a session of this person holds."""
        return self.pair | {
            "session_id": uuid4(),
            "challenge_id": self.challenge_id,
            "identity_id": self.identity_id,
        }


async def link(
    connection: asyncpg.Connection, subject_id: str, patient_id: str, purpose: str = "ias"
) -> None:
    """Another link of a subject that is there."""
    pair = {"subject_id": subject_id, "patient_id": patient_id}
    await insert(connection, "patient_link", **pair, purpose=purpose)


async def chain(connection: asyncpg.Connection, subject_id: str, patient_id: str) -> Chain:
    """Write one person's rows, each as the one before it allows."""
    made = Chain(
        subject_id=subject_id,
        patient_id=patient_id,
        command_id=uuid4(),
        verification_id=uuid4(),
        identity_id=uuid4(),
        challenge_id=uuid4(),
        session_id=uuid4(),
    )
    ordered = {"verification_id": made.verification_id, "command_id": made.command_id}
    await insert(connection, "subject", subject_id=subject_id)
    await insert(connection, "command", subject_id=subject_id, command_id=made.command_id)
    await link(connection, subject_id, patient_id)
    await insert(connection, "identity_verification", **made.pair, **ordered)
    identity = {"identity_id": made.identity_id, "verification_id": made.verification_id}
    await insert(connection, "identity", **made.pair, **identity)
    challenge = {"challenge_id": made.challenge_id, "identity_id": made.identity_id}
    await insert(connection, "aal2_challenge", **made.pair, **challenge, command_id=made.command_id)
    await insert(connection, "aal2_session", **made.session | {"session_id": made.session_id})
    return made
