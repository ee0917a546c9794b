"""Postgres: the right shape, and nothing that was committed is lost with a machine."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from asyncpg import PostgresError

from consumers.doctor.finding import Finding, ok, warning, wrong
from service.settings.groups import Database as Settings
from service.store import compatibility, health
from service.store.compatibility import IncompatibleDatabaseError
from service.store.health import Server, Work
from service.store.pool import TRANSIENT, Connection, Database, LimitsLostError, open_database
from service.store.unit import Vault

_CLOCKS: Final = timedelta(seconds=5)
_LATE_SECONDS: Final = 60.0
_CONNECTIONS: Final = 2


async def check(settings: Settings, *, trusts_failover: bool = False) -> list[Finding]:
    """Look at the database and judge it. ``trusts_failover``: ``DATABASE_FAILOVER=trust``."""
    try:
        async with open_database(settings.url, _CONNECTIONS, Vault(None)) as database:
            return await _look(database, trusts_failover=trusts_failover)
    except LimitsLostError as error:
        return [wrong("postgres.limits", str(error), "see deploy/README.md")]
    except (*TRANSIENT, PostgresError, ValueError) as error:
        todo = "check DATABASE_URL, the login and the network"
        return [wrong("postgres.reachable", type(error).__name__, todo)]


async def _look(database: Database, *, trusts_failover: bool) -> list[Finding]:
    async with database.connection() as connection:
        server = await health.server(connection)
        shape = [await _shape(connection)]
    findings = [ok("postgres.reachable", f"version {server.version // 10000}"), *shape]
    findings += judge(server, datetime.now(UTC), trusts_failover=trusts_failover)
    if shape[0].verdict == "ok":
        findings += judge_work(await health.work(database))
    return findings


async def _shape(connection: Connection) -> Finding:
    try:
        await compatibility.check(connection)
    except IncompatibleDatabaseError as error:
        return wrong("postgres.schema", "not one that this release works with", str(error))
    return ok("postgres.schema", f"level {compatibility.NEEDS_LEVEL} or one that serves it")


def judge(server: Server, now: datetime, *, trusts_failover: bool) -> Iterator[Finding]:
    """What follows from how the server is set up."""
    if server.follows_another:
        yield wrong("postgres.primary", "it only follows another", "connect to the primary")
    if server.is_superuser:
        todo = "give every process its own role of migrations/roles.py: audit rows can be altered"
        yield warning("postgres.role", "the login is a superuser", todo)
    if abs(server.now - now) > _CLOCKS:
        apart = round(abs(server.now - now).total_seconds())
        yield warning(
            "postgres.clock", f"its clock and this one's are {apart} s apart", "sync both"
        )
    yield from _durability(server)
    yield from _replication(server, trusts_failover=trusts_failover)


def _durability(server: Server) -> Iterator[Finding]:
    off = [name for name in health.SETTINGS if getattr(server, name) == "off"]
    for name in off:
        todo = f"set {name}=on: what is committed can be lost, and a query be sent twice"
        yield wrong("postgres.durability", f"{name}=off", todo)
    if not off:
        found = f"fsync and full_page_writes on, synchronous_commit={server.synchronous_commit}"
        yield ok("postgres.durability", found)


def _replication(server: Server, *, trusts_failover: bool) -> Iterator[Finding]:
    check = "postgres.replication"
    if not server.standby_names:
        todo = "set synchronous_standby_names: a failover loses what the standby has not got"
        if trusts_failover:
            todo += "; until then DATABASE_FAILOVER must be 'pause' and not 'trust'"
            yield wrong(check, "no synchronous standby, and DATABASE_FAILOVER=trust", todo)
        else:
            yield warning(check, "no synchronous standby", todo)
    elif not server.standbys:
        todo = "every commit waits for it: bring it back, or take it off synchronous_standby_names"
        yield wrong(check, "the synchronous standby is away", todo)
    elif server.synchronous_commit == "local":
        todo = "set synchronous_commit=on"
        yield warning(check, "commits do not wait for the standby", todo)
    else:
        yield ok(check, f"{server.standbys} standbys, synchronous: {server.standby_names}")


def judge_work(work: Work | None) -> Iterator[Finding]:
    """What follows from how far the queues have come."""
    if work is None:
        todo = "run it with the consumers' DATABASE_URL"
        yield warning("postgres.work", "this login may not see what waits", todo)
        return
    if work.stop is not None:
        todo = "see `metriport-ias dispatch status`, and deploy/README.md"
        yield wrong("dispatch", f"no call goes out: {work.stop.why.value}", todo)
    for kind in work.stopped:
        todo = (
            "the handler failed for several senders; it is tried again by itself: look at its log"
        )
        yield wrong("consumers.stopped", "messages of this type are held", todo, "/".join(kind))
    if work.stuck:
        todo = "SEALING_PRIVATE_KEYS of the consumers lacks a key: they are kept until it is there"
        yield wrong("spool.stuck", f"{work.stuck} spooled records do not open", todo)
    if work.outbox_seconds > _LATE_SECONDS or work.spooled:
        waits = f"{work.outbox_rows} events, {work.spooled} spooled webhooks"
        todo = "are the consumers running, and does Kafka take records?"
        yield warning("relay", f"what is to be published waits: {waits}", todo)
