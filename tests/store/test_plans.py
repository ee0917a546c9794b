"""Every statement of the store finds its rows by an index, in tables of any size."""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from typing import Any, Final

import asyncpg

from service import store
from tests.store.filling import BOUNDED, ROWS, fill

STATEMENT: Final = re.compile(r"\s*(select|insert into|update \w+ set|delete from|with \w+ as)\s")
FEW: Final = 1_000
READS_ALL: Final = {
    "audit_chain.BACKLOG": "what is not chained yet is chained within seconds",
    "audit_chain.WAITING": "as above: what waits is short",
    "flow.OF_COMMAND": "a person on call asks, and the statement has the limit of every one",
    "flow.STEPS": "as above",
    "health.PROVEN": "as above",
    "health.PURPOSES": "as above",
    "held.COUNT": "reads 100,000 rows at most, where the planner sees fewer",
    "suppositions.FOR_UNKNOWN": "only calls without an answer have rows",
}
"""Statements that read a whole table that grows, and why that is right."""
HOT: Final = {
    "calls.EXPIRED",
    "calls.LOCK_DUE",
    "calls.NEXT_DUE",
    "calls.NEXT_LOOK",
    "consolidated.SUBJECTS",
    "hosted_pages.BY_ID",
    "identities.ACTIVE",
    "identities.BY_VENDOR_SESSION",
    "identities.HOLDER",
    "outbox_rows.CLAIM_SHARDS",
    "outbox_rows.COUNT",
    "outbox_rows.OLDEST",
    "outbox_rows.REMOVE",
    "outbox_rows.WAITING",
    "parked.TAKE",
    "queries.ACCEPTED",
    "queries.SUBJECT_OF",
    "queries.TAKE_SLOT",
    "record_facts.SERVING",
    "record_facts.SLOT_TAKEN",
    "record_requests.IS_OVER",
    "record_requests.NEWS_OF",
    "record_requests.WITH_NEWS",
    "retention.FORGET_MESSAGES",
    "retention.MOVE_CALLS",
    "sessions.BY_DIGEST",
    "sessions.OF_IDENTITY",
    "spool.CLAIM",
    "spool.COUNT",
    "spool.OLDEST",
    "spool.REMOVE",
    "subjects.LOCK",
    "watch.UNWATCHED_CONSOLIDATED",
    "watch.UNWATCHED_QUERIES",
    "unbound.NEXT",
}
"""Run for every message, every call or every half second: they must be among those looked at."""

PARTIAL: Final = """
select c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid
where i.indpred is not null
"""

OF_THE_FUNCTION: Final = re.compile(r"(delete from .*?)\s*;\s", re.DOTALL)
ITS_NAMES: Final = {"erased": "text", "mine": "text[]"}
MANY_UNBOUND: Final = """
insert into unbound_identity
    (message_digest, message_id, patient_id, reason, sealed, vendor_digests)
select sha256(n::text::bytea), n, n, 'identity_conflict', '', array[sha256(n::text::bytea)]
from generate_series(1, 2000) n
"""
"""Alarms that nobody acted on are few, but each is looked for among all pages, once a second."""

Node = dict[str, Any]


def statements() -> dict[str, str]:
    """Every statement that a module of the store holds as a constant, by module and name."""
    found = {}
    for module in pkgutil.iter_modules(store.__path__):
        names = vars(importlib.import_module(f"{store.__name__}.{module.name}"))
        for name, value in names.items():
            if name.isupper() and isinstance(value, str) and _is_whole(value):
                found[f"{module.name}.{name}"] = value
    return found


async def _of_an_erasure(owner: asyncpg.Connection) -> dict[str, str]:
    """The statements of the function that erases: what waits, or is parked, of a subject may be much."""
    body = await owner.fetchval("select prosrc from pg_proc where proname = 'erase_subject'")
    found = {}
    for sql in OF_THE_FUNCTION.findall(body):
        used = [name for name in ITS_NAMES if re.search(rf"\b{name}\b", sql)]
        planned = sql
        for number, name in enumerate(used, 1):
            planned = re.sub(rf"\b{name}\b", f"${number}::{ITS_NAMES[name]}", planned)
        found[f"erase_subject: {sql}"] = planned
    assert len(found) == body.count("delete from")
    return found


def _is_whole(text: str) -> bool:
    """Whether it is a statement, and not a template for some."""
    return STATEMENT.match(text) is not None and "{" not in text


def scans(
    node: Node, partial: frozenset[str], *, limited: bool = False
) -> Iterator[tuple[str, bool]]:
    """Relations that are read from end to end, and whether only until enough was found."""
    limited = limited or node["Node Type"] == "Limit"
    kind = node["Node Type"]
    by_nothing = kind in {"Index Scan", "Index Only Scan"} and "Index Cond" not in node
    by_nothing = by_nothing and node["Index Name"] not in partial  # it holds the wanted rows alone
    if kind == "Seq Scan":
        yield node["Relation Name"], False
    elif by_nothing:
        yield node["Relation Name"], limited
    for part in node.get("Plans", ()):
        # what is sorted or hashed is read whole first
        yield from scans(
            part, partial, limited=limited and kind not in {"Sort", "Hash", "Aggregate"}
        )


async def _plan(owner: asyncpg.Connection, sql: str) -> Node:
    """The plan for any values, as a connection that has run the statement a few times uses it."""
    try:
        await owner.execute(f"prepare looked_at as {sql}")
    except asyncpg.PostgresSyntaxError:
        return {"Node Type": "Seq Scan", "Relation Name": "no SQL at all"}
    count = await owner.fetchval(
        "select cardinality(parameter_types) from pg_prepared_statements where name = 'looked_at'"
    )
    nothing = f"({', '.join(['null'] * count)})" if count else ""
    answer = await owner.fetchval(f"explain (format json) execute looked_at{nothing}")
    await owner.execute("deallocate looked_at")
    plan: Node = json.loads(answer)[0]["Plan"]
    return plan


async def test_no_statement_reads_a_table_that_grows_from_end_to_end(
    owner: asyncpg.Connection,
) -> None:
    rows = await fill(owner)
    await owner.execute(MANY_UNBOUND)
    await owner.execute("update hosted_page set kind = 'identity_verification'")
    await owner.execute("analyze unbound_identity, hosted_page")
    await owner.execute("set plan_cache_mode = force_generic_plan")
    partial = frozenset(row["name"] for row in await owner.fetch(PARTIAL))
    whole = {}
    for name, sql in (statements() | await _of_an_erasure(owner)).items():
        found = scans(await _plan(owner, sql), partial)
        tables = [
            table for table, limited in found if rows.get(table, FEW + 1) > FEW and not limited
        ]
        if tables:
            whole[name] = tables
    assert {name: tables for name, tables in whole.items() if name not in READS_ALL} == {}


async def test_the_tables_are_filled_and_a_whole_read_would_be_seen(
    owner: asyncpg.Connection,
) -> None:
    rows = await fill(owner)
    await owner.execute("set plan_cache_mode = force_generic_plan")
    partial = frozenset(row["name"] for row in await owner.fetch(PARTIAL))
    assert {"inbox", "network_query", "vendor_call", "parked_webhook"} <= rows.keys()
    assert sum(count for name, count in rows.items() if name.startswith("outbox_2")) == ROWS
    assert all(rows.get(table, 0) <= FEW for table in BOUNDED)
    for sql in (
        "select * from inbox where received_at + interval '1 day' < $1",
        "select count(*) from outbox",
        "delete from network_query where vendor_request_id || 'x' = $1",
        "select * from command order by subject_id, command_id",
    ):
        found = scans(await _plan(owner, sql), partial)
        assert any(rows.get(table, 0) > FEW and not limited for table, limited in found), (
            sql,
            await _plan(owner, sql),
        )


def test_the_statements_that_run_most_are_among_those_looked_at() -> None:
    assert statements().keys() >= HOT
    assert len(statements()) > len(HOT) * 2
