"""How the database is set up and how far its queues have come: read by the doctor."""

from datetime import datetime
from typing import Final, NamedTuple

from asyncpg import InsufficientPrivilegeError

from service.store import dispatch_stop, held, outbox_rows, spool
from service.store.dispatch_stop import Stop
from service.store.held import Kind
from service.store.pool import Connection, Database

SERVER = """
select current_setting('server_version_num')::int as version,
    current_setting('fsync') as fsync,
    current_setting('full_page_writes') as full_page_writes,
    current_setting('synchronous_commit') as synchronous_commit,
    current_setting('synchronous_standby_names') as standby_names,
    pg_is_in_recovery() as follows_another,
    (select rolsuper from pg_roles where rolname = current_user) as is_superuser,
    clock_timestamp() as now
"""
STANDBYS = "select count(*) from pg_stat_replication"
API_URL = "select api_url from vendor_environment"
PROVEN = """
select operation, outcome, max(called_at) as last from (
    select operation, outcome, called_at from vendor_call
    where operation = any($1::text[]) and called_at is not null and outcome is not null
    union all
    select operation, outcome, called_at from vendor_call_history
    where operation = any($1::text[]) and called_at > now() - interval '60 days') asked
group by operation, outcome order by last
"""
PURPOSES = (
    "select purpose, count(*) from network_query where vendor_request_id is not null group by 1"
)


class Server(NamedTuple):
    """How the server keeps what is committed, and who is asking."""

    version: int
    fsync: str
    full_page_writes: str
    synchronous_commit: str
    standby_names: str
    follows_another: bool
    is_superuser: bool
    now: datetime
    standbys: int


class Work(NamedTuple):
    """What waits, and what is stopped."""

    stop: Stop | None
    stopped: list[Kind]
    outbox_rows: int
    outbox_seconds: float
    spooled: int
    stuck: int


class Asked(NamedTuple):
    """How calls of one operation ended, and when last."""

    operation: str
    outcome: str
    last: datetime


SETTINGS: Final = ("fsync", "full_page_writes", "synchronous_commit")


async def server(connection: Connection) -> Server:
    """How the server is set up."""
    (row,) = await connection.fetch(SERVER)
    return Server(**dict(row.items()), standbys=await connection.fetchval(STANDBYS))


async def work(database: Database) -> Work | None:
    """How far the queues have come; ``None`` where the login may not see them, as the ingress's."""
    try:
        async with database.transaction() as unit:
            backlog = await outbox_rows.measure(unit)
            spooled, _ = await spool.waiting(unit)
            return Work(
                stop=await dispatch_stop.standing(unit),
                stopped=await held.kinds(unit),
                outbox_rows=backlog.rows,
                outbox_seconds=backlog.age,
                spooled=spooled,
                stuck=await spool.stuck(unit),
            )
    except InsufficientPrivilegeError:
        return None


async def api_url(connection: Connection) -> str | None:
    """The vendor's environment that the database belongs to; ``None`` before a gateway ran."""
    found: str | None = await connection.fetchval(API_URL)
    return found


async def asked(connection: Connection, operations: list[str]) -> list[Asked]:
    """How the vendor answered these operations of late, oldest first."""
    return [Asked(*row.values()) for row in await connection.fetch(PROVEN, operations)]


async def purposes(connection: Connection) -> dict[str, int]:
    """How many network queries the vendor accepted, by purpose."""
    return {row["purpose"]: row["count"] for row in await connection.fetch(PURPOSES)}
