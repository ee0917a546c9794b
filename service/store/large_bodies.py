"""Bodies too large for a Kafka record, sealed; a record names its row by a CloudEvents ``dataref``."""

from typing import Final
from uuid import UUID

from service.store.pool import Connection

SCHEME: Final = "ias-large-body:"

INSERT = "insert into large_body (body_id, sealed) values ($1, $2)"
READ = "select sealed from large_body where body_id = $1"


async def insert(connection: Connection, body_id: UUID, sealed: bytes) -> None:
    """Keep a sealed body; committed when this returns."""
    await connection.execute(INSERT, body_id, sealed)


async def read(connection: Connection, body_id: UUID) -> bytes | None:
    """A sealed body."""
    sealed: bytes | None = await connection.fetchval(READ, body_id)
    return sealed


def reference(body_id: UUID) -> str:
    """The ``dataref`` of a row."""
    return f"{SCHEME}{body_id}"


def referenced(dataref: str) -> UUID | None:
    """The row that a ``dataref`` names, if it names one of ours."""
    if not dataref.startswith(SCHEME):
        return None
    try:
        return UUID(dataref.removeprefix(SCHEME))
    except ValueError:
        return None
