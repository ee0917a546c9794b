"""Rows under old keys, many of them, and ciphertexts put where they do not belong."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from schemas.cloudevents import Attributes
from schemas.ids import IdentityId, SubjectId
from schemas.topics import Topic
from service.bus.spooling import SpooledRecord, open_record, seal_record
from service.crypto import envelope
from service.crypto.keys import MissingKeyError, UnknownKeyError
from service.crypto.sealing import Opener
from service.store import identities, subjects
from service.store.pool import Database
from tests.secrets.rotating import OLD, OLD_ID, OLD_SEALER
from tests.support import people

PEOPLE: Final = 40
_RECORD: Final = SpooledRecord(
    Topic.WEBHOOKS, "key", b"x" * 300, Attributes(id="1", type="metriport.x", source="/metriport")
)
LEFT: Final = """
select (select count(*) from subject where substring(data_key from 1 for 4) = $1)
     + (select count(*) from spool where substring(sealed from 2 for 4) = $2)
"""
SOME: Final = (
    "select subject_id from subject order by md5(subject_id) limit 1000",
    "select identity_id from identity where state = 'active'",
    "select record_id from spool order by record_id limit 1000",
)
"""Rows to swap."""
Read = Callable[[Any], Awaitable[None]]


async def build(database: Database, owner: asyncpg.Connection, rows: int, sealed: int) -> None:
    """So many rows in all, of which ``sealed`` are records that wait and all others wrapped data keys."""
    for number in range(PEOPLE):
        await people.person(database, f"person-{number}", f"patient-{number}")
    names = (f"subject-{number:07}" for number in range(rows - sealed - PEOPLE))
    wrapped = ((name, envelope.new_data_key(OLD, name)[1]) for name in names)
    ids = (uuid4() for _ in range(sealed))
    records = ((one, seal_record(OLD_SEALER, one, _RECORD)) for one in ids)
    copy = owner.copy_records_to_table
    print("keys: COPY of data keys", flush=True)
    await copy("subject", records=wrapped, columns=("subject_id", "data_key"))
    print("keys: COPY of sealed records", flush=True)
    await copy("spool", records=records, columns=("record_id", "sealed"))
    await owner.execute("vacuum analyze")  # what autovacuum does meanwhile


async def left(owner: asyncpg.Connection) -> int:
    """Rows that the old keys still open, counted without our code."""
    old = bytes.fromhex(OLD_ID), bytes.fromhex(OLD_SEALER.key_id)
    found: int = await owner.fetchval(LEFT, *old)
    return found


@dataclass(frozen=True)
class Swaps:
    """Exchanges two ciphertexts, lets the product read both where they do not belong, and changes them back."""

    database: Database
    owner: asyncpg.Connection
    opener: Opener
    chance: random.Random

    async def refused(self, pairs: int) -> tuple[int, int]:
        """How many ciphertexts were put elsewhere, and how many of them were refused there."""
        places = await self._places()
        swapped, refused = 0, 0
        for turn in range(pairs):
            place, read, rows = places[turn % len(places)]
            two = self.chance.sample(rows, 2)
            for one in two:
                await read(one)  # where it belongs it opens, or a refusal would prove nothing
            await self.owner.execute(place, *two)
            for one in two:
                swapped += 1
                refused += await is_refused(read, one)
            await self.owner.execute(place, *two)
        return swapped, refused

    async def _places(self) -> list[tuple[str, Read, list[Any]]]:
        """A column of each kind: how to swap in it, how the product reads it, and rows to take."""
        return [
            (_swap("subject", "data_key", "subject_id"), self._data_key, await self._some(SOME[0])),
            (_swap("identity", "proofed_box", "identity_id"), self._box, await self._some(SOME[1])),
            (_swap("spool", "sealed", "record_id"), self._record, await self._some(SOME[2])),
        ]

    async def _some(self, which: str) -> list[Any]:
        return [row[0] for row in await self.owner.fetch(which)]

    async def _data_key(self, subject_id: str) -> None:
        async with self.database.transaction() as unit:
            await subjects.data_key(unit, SubjectId(subject_id))

    async def _box(self, identity_id: UUID) -> None:
        whose = "select subject_id from identity where identity_id = $1"
        subject_id = await self.owner.fetchval(whose, identity_id)
        async with self.database.transaction() as unit:
            await identities.proofed_identity_id(unit, subject_id, IdentityId(identity_id))

    async def _record(self, record_id: UUID) -> None:
        sealed = await self.owner.fetchval(
            "select sealed from spool where record_id = $1", record_id
        )
        open_record(self.opener, record_id, sealed)


async def is_refused(read: Read, row: Any) -> bool:
    """Whether a ciphertext does not open here; a key that is missing proves nothing."""
    try:
        await read(row)
    except MissingKeyError:
        return False
    except UnknownKeyError:
        return True
    return False


def _swap(table: str, column: str, key: str) -> str:
    pair = f"a.{key} in ($1, $2) and b.{key} in ($1, $2) and a.{key} <> b.{key}"
    return f"update {table} a set {column} = b.{column} from {table} b where {pair}"  # noqa: S608 - names above
