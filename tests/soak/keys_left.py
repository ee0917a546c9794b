"""Rows that are under another key than the newest, in every table that has any, counted without our code."""

import hashlib
from base64 import b64decode
from typing import Final

import asyncpg

WRAPPED: Final = (("subject", "data_key"), ("erasure_key", "wrapped"))
"""They begin with the id of the key of ``ENCRYPTION_KEYS`` that wraps them; the ``sealed`` have a byte before it."""

_SEALED: Final = """
select c.table_name as name from information_schema.columns c
join pg_class t on t.relname = c.table_name and not t.relispartition
where c.table_schema = 'public' and c.column_name = 'sealed'
"""


def key_id(key: str) -> bytes:
    """The name of a key that is given in base64."""
    return hashlib.sha256(b"metriport-ias/key-id\0" + b64decode(key)).digest()[:4]


async def left(owner: asyncpg.Connection, at_rest: str, sealing: str) -> dict[str, int]:
    """By table, if there are any; the keys are the newest of ``ENCRYPTION_KEYS`` and ``SEALING_PUBLIC_KEY``."""
    places = [(table, column, 1, key_id(at_rest)) for table, column in WRAPPED]
    places += [(row["name"], "sealed", 2, key_id(sealing)) for row in await owner.fetch(_SEALED)]
    found = {}
    for table, column, start, newest in places:
        under = f"substring({column} from {start} for 4)"
        count = f"select count(*) from {table} where {under} <> $1"  # noqa: S608 - names of tables
        found[table] = int(await owner.fetchval(count, newest))
    return {table: rows for table, rows in found.items() if rows}
