"""Fills every table with rows of no meaning, so that the planner has something to choose about."""

from typing import Final

import asyncpg

ROWS: Final = 20_000
BOUNDED: Final = {
    "alembic_version": "one row",
    "call_tally": "a row for each five minutes of a day",
    "circuit": "a row for each class of calls",
    "erasure_key": "one row",
    "outbox_shard": "64 rows",
    "pacing_slot": "a slot for each call that a minute may hold",
    "ingress_heartbeat": "a row for each ingress process of the last hour",
    "partition_plan": "a row for each table that is cut by time",
    "schema_level": "a row for each migration",
    "stopped_type": "a row for each type of message that was stopped",
    "unbound_identity": "each row is an alarm that operators act on",
    "vendor_environment": "one row",
}
"""Tables that do not grow with use, and why."""

TABLES: Final = """
select c.oid::regclass::text from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
"""
COLUMNS: Final = """
select attname, format_type(atttypid, null) as type from pg_attribute
where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''
order by attnum
"""
CHECKS: Final = """
select conrelid::regclass::text, conname from pg_constraint
where contype = 'c' and conparentid = 0 and connamespace = 'public'::regnamespace and conislocal
"""
VALUES: Final = {
    "text": "'value-' || n",
    "uuid": "md5(n::text)::uuid",
    "bytea": "decode(md5(n::text), 'hex')",
    "bigint": "n",
    "integer": "n",
    "smallint": "n % 64",
    "boolean": "false",
    "date": "date '2020-01-01' + n % 1000",
    "timestamp with time zone": "now() - n * interval '1 millisecond'",
    "text[]": "array['value-' || n]",
    "bytea[]": "array[decode(md5(n::text), 'hex')]",
    "jsonb": "'{}'::jsonb",
    "interval": "interval '1 day'",
    "character varying": "'value-' || n",
}


async def fill(owner: asyncpg.Connection) -> dict[str, int]:
    """Fill every table that grows; rows by relation, partitions by their own names."""
    await owner.execute("set session_replication_role = replica")  # no foreign keys, no triggers
    for table, name in await owner.fetch(CHECKS):
        await owner.execute(f'alter table {table} drop constraint if exists "{name}"')
    for (table,) in await owner.fetch(TABLES):
        if table not in BOUNDED:
            await _fill(owner, table)
    await owner.execute("reset session_replication_role")
    await owner.execute("analyze")
    counted = (
        "select relname, reltuples::bigint from pg_class where relkind = 'r' and reltuples >= 0"
    )
    return {row["relname"]: row["reltuples"] for row in await owner.fetch(counted)}


async def _fill(owner: asyncpg.Connection, table: str) -> None:
    columns = await owner.fetch(COLUMNS, table)
    names = ", ".join(f'"{row["attname"]}"' for row in columns)
    values = ", ".join(VALUES[row["type"]] for row in columns)
    await owner.execute(
        f"insert into {table} ({names}) overriding system value"  # noqa: S608 - names of the catalogue
        f" select {values} from generate_series(1, {ROWS}) n on conflict do nothing"
    )
