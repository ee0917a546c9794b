"""Reads what was told since last time, row by row, and holds it against the model."""

import json
from typing import Any, NamedTuple
from uuid import UUID

from schemas.topics import Topic
from service.crypto.tokens import code_hash
from service.store import outbox_rows
from service.store.outbox_rows import Waiting
from service.store.pool import Database

from .truth import Truth

NEW = """
select o.position, o.event_id, o.topic, o.key, o.type, o.subject_id, o.body, o.occurred_at,
    o.traceparent, s.data_key
from outbox o left join subject s using (subject_id)
where o.position > $1 and o.key = any($2) order by o.position
"""
PROGRESS = frozenset({"NetworkQueryStarted", "NetworkQuerySourceUpdated", "NetworkQueryFinished"})
TABLES = (
    "subject",
    "command",
    "patient_link",
    "registration",
    "identity_verification",
    "identity",
    "aal2_challenge",
    "aal2_session",
    "hosted_page",
    "network_query",
    "consolidated_query",
    "vendor_call",
)
ROWS = " union all ".join(
    f"select '{table}' || t::text as row from {table} t where subject_id = any($1)"  # noqa: S608 - names from above
    for table in TABLES
)
SOURCES = """
select 's' || s::text from network_query_source s join network_query using (query_id)
where subject_id = any($1)
"""
CONFIRMED = """
select subject_id, code_hash from aal2_session
where state in ('confirmed', 'proven') and subject_id = any($1)
"""
SNAPSHOT = f"select md5(string_agg(row, '|' order by row)) from ({ROWS} union all {SOURCES}) x"  # noqa: S608 - as above


class Told(NamedTuple):
    """One new message in the clear."""

    id: UUID
    topic: str
    kind: str
    key: str
    body: dict[str, Any]


class Watcher:
    """Sees everything that the two subjects are told, once, in order."""

    def __init__(self, database: Database, truth: Truth, subjects: tuple[str, str]) -> None:
        self._database = database
        self._truth = truth
        self._subjects = list(subjects)
        self._position = 0
        self._sequence = dict.fromkeys(subjects, 0)
        self.known: dict[UUID, str] = {}
        """Event → subject."""
        self.request_of: dict[UUID, str] = {}
        self.tally: dict[str, int] = {}

    async def skip(self) -> None:
        """What was told before is somebody else's."""
        async with self._database.connection() as connection:
            self._position = await connection.fetchval(
                "select coalesce(max(position), 0) from outbox"
            )

    async def look(self) -> list[Told]:
        """New messages; each is checked alone, in order (I5, I7, I9)."""
        async with self._database.transaction() as unit:
            rows = [
                Waiting(*row.values())
                for row in await unit.conn.fetch(NEW, self._position, self._subjects)
            ]
            drafts = [outbox_rows.opened(unit, row) for row in rows]
        if rows:
            self._position = rows[-1].position
        told = [
            Told(
                one.event_id, one.topic, one.type.rpartition(".")[2], one.key, json.loads(one.body)
            )
            for one in drafts
            if one.body is not None
        ]
        fresh = list({one.id: one for one in reversed(told) if one.id not in self.known}.values())
        fresh.reverse()  # a final event may be told again at once, with the same id
        for one in fresh:
            self.known[one.id] = one.key
            self.tally[one.kind] = self.tally.get(one.kind, 0) + 1
            self._check_order(one)
            self._check_secrets(one)
        return fresh

    def _check_order(self, one: Told) -> None:
        assert one.body["subjectId"] == one.key
        if one.topic == Topic.EVENTS:
            self._sequence[one.key] += 1
            given, expected = one.body["sequence"], self._sequence[one.key]
            assert given == expected, f"I5: {one.kind} has {given}, not {expected}"

    def _check_secrets(self, one: Told) -> None:
        text = json.dumps(one.body)
        for secret in (*self._truth.identities, *self._truth.sessions):
            assert secret not in text, f"I7: {one.kind}"

    def check_entitlement(self, told: list[Told]) -> None:
        """I9, as the model stands now."""
        for one in told:
            if one.kind in PROGRESS:
                query_id = UUID(one.body["requestId"])
                assert self._truth.may_hear_of(one.key, query_id), f"I9: {one.kind}"
            is_data = one.topic == Topic.LINKS and one.body["kind"] == "consolidated_data"
            if is_data or one.kind == "ConsolidatedDataReady":
                assert self._truth.may_have_data(one.key), f"I9: {one.kind}"

    async def check_identities(self) -> None:
        """Exactly those whom the model calls proofed have an active identity."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "select subject_id from identity where state = 'active' and subject_id = any($1)",
                self._subjects,
            )
        proofed = [one for one in self._subjects if self._truth.active(one) is not None]
        assert sorted(row["subject_id"] for row in rows) == sorted(proofed), "I2: binding"

    async def check_confirmations(self) -> None:
        """What can be used was vouched for by its own subject, who alone presented its code (I2, I9).

        A session that the model calls dead may still stand in its row until somebody looks: no call is
        made with it, which the vendor of the model judges.
        """
        async with self._database.connection() as connection:
            rows = await connection.fetch(CONFIRMED, self._subjects)
        vouched = {
            (session.owner, code_hash(session.code))
            for session in self._truth.sessions.values()
            if session.is_confirmed
        }
        assert {tuple(row) for row in rows} <= vouched, "I2: confirmation"

    async def snapshot(self) -> str | None:
        """Every row of the two subjects, as one digest."""
        async with self._database.connection() as connection:
            found: str | None = await connection.fetchval(SNAPSHOT, self._subjects)
        return found
