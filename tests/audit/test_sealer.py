"""The sealer: each entry once, without a gap, whoever seals and however late a transaction commits."""

import asyncio
import json
from datetime import timedelta

import pytest

from consumers.auditing.sealer import AuditSealer
from service.crypto.keys import UnknownKeyError
from service.ias.audit import Kind
from service.store import audit, audit_chain, subjects
from service.store.pool import Database
from service.telemetry import metrics
from tests.audit.conftest import Ledger
from tests.support import people
from tests.support.outbox import told
from tests.support.waiting import until

TWICE = "select count(*) - count(distinct entry_id) from audit_chain"


async def test_entries_are_chained_once_in_order_and_leave_the_queue(
    ledger: Ledger, database: Database
) -> None:
    await ledger.write(5)
    assert await ledger.seal() == 5
    assert await ledger.seal() == 0
    assert await ledger.numbers() == [1, 2, 3, 4, 5]
    assert await people.count(database, "audit_unchained") == 0
    report = await ledger.verify()
    assert (report.broken, report.entries, report.first, report.last) == (None, 5, 1, 5)


async def test_many_sealers_and_writers_at_once_chain_each_entry_once_without_a_gap(
    ledger: Ledger, database: Database
) -> None:
    sealers = [AuditSealer(database, ledger.signer, timedelta(0)) for _ in range(4)]
    done = asyncio.Event()

    async def keep_sealing(sealer: AuditSealer) -> None:
        while not done.is_set():
            await sealer.round()

    async def all_chained() -> bool:
        return await people.count(database, "audit_chain") >= 60

    async with asyncio.TaskGroup() as group:
        for sealer in sealers:
            group.create_task(keep_sealing(sealer))
        await asyncio.gather(*(ledger.write(20) for _ in range(3)))
        try:
            await until(all_chained)
        finally:
            done.set()
    assert await ledger.numbers() == list(range(1, 61))
    assert await ledger.owner.fetchval(TWICE) == 0
    assert (await ledger.verify()).broken is None


async def test_while_one_seals_another_does_nothing(ledger: Ledger, database: Database) -> None:
    await ledger.write(3)
    async with database.transaction() as unit:
        assert await audit_chain.lock(unit)
        assert await ledger.seal() == 0
    assert await ledger.seal() == 3


async def test_a_transaction_that_commits_late_with_an_older_time_is_chained(
    ledger: Ledger, database: Database
) -> None:
    async with database.transaction() as late:
        audit.record_operation(late, Kind.KEYS_REENCRYPTED, rows=1)
        await late.conn.execute("select 1")  # written, and not committed
        await ledger.sealed(2)
        assert await ledger.numbers() == [1, 2]
    assert await ledger.seal() == 1
    times = "select recorded_at from audit_chain order by number"
    first, _, last = [row["recorded_at"] for row in await ledger.owner.fetch(times)]
    assert last < first
    assert (await ledger.verify()).broken is None


async def test_a_sealer_that_dies_before_its_commit_leaves_nothing_behind(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ledger.write(3)

    async def die(*_: object) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patch:
        patch.setattr(audit_chain, "add_head", die)
        with pytest.raises(ConnectionResetError):
            await ledger.seal()
    assert await ledger.numbers() == []
    assert await ledger.seal() == 3
    assert (await ledger.verify()).broken is None


async def test_a_head_is_told_to_operators_and_names_nobody(
    ledger: Ledger, database: Database
) -> None:
    await people.person(database)
    await ledger.seal()
    (event,) = [one for one in await told(database) if one.kind == "AuditHeadPublished"]
    assert event.key == "operators"
    assert event.body["number"] == 4
    row = await people.row(database, "audit_chain", number=4)
    assert event.body["hash"] == row["hash"].hex()
    assert "subject-1" not in json.dumps(event.body)


async def test_heads_are_told_at_most_so_often_and_the_last_one_follows(
    ledger: Ledger, database: Database
) -> None:
    slow = AuditSealer(database, ledger.signer, timedelta(hours=1))
    await ledger.write()
    await slow.round()
    await ledger.write()
    await slow.round()
    assert await people.count(database, "audit_head") == 1
    await ledger.seal()  # nothing new, and a head is due
    assert await people.count(database, "audit_head") == 2
    await ledger.seal()
    assert await people.count(database, "audit_head") == 2, "nothing has happened since"
    assert (await people.row(database, "audit_head", number=2))["key_id"] == ledger.signer.key_id


async def test_it_seals_by_itself_and_shows_how_far_it_is(
    ledger: Ledger, database: Database
) -> None:
    await ledger.write(3)
    running = asyncio.create_task(ledger.sealer.run())
    try:
        await until(lambda: metrics.AUDIT_CHAINED._value.get() == 3)  # noqa: SLF001 - no other way
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert metrics.AUDIT_UNCHAINED._value.get() == 0  # noqa: SLF001 - as above
    async with database.transaction() as unit:
        assert (await audit_chain.backlog(unit)).entries == 0


async def test_the_age_of_what_waits_is_seen(ledger: Ledger, database: Database) -> None:
    await ledger.tamper(
        "insert into audit_unchained (entry_id, recorded_at)"
        " values (gen_random_uuid(), now() - interval '90 seconds')"
    )
    async with database.transaction() as unit:
        backlog = await audit_chain.backlog(unit)
    assert (backlog.entries, backlog.age >= 90) == (1, True)


async def test_the_chain_of_an_erased_subject_still_verifies_and_leads_to_nobody(
    ledger: Ledger, database: Database
) -> None:
    """Destroying the data key is what erases; the audit's rows stay as they are."""
    who = await people.person(database)
    async with database.transaction() as unit:
        await audit.record(unit, Kind.SUBJECT_ERASED, who.subject_id)
    await ledger.seal()
    await ledger.owner.execute("update subject set data_key = ''")
    report = await ledger.verify()
    assert (report.broken, report.entries) == (None, 5)
    with pytest.raises(UnknownKeyError):
        async with database.transaction() as unit:
            await subjects.data_key(unit, who.subject_id)
