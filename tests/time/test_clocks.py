"""Whatever the clock of a process says, decisions are the database's (I2)."""

import sys
import time
from datetime import datetime, timedelta, tzinfo
from uuid import uuid4

import pytest

from consumers.processor import Processor
from consumers.sweeper import Sweeper
from schemas.callbacks import Aal2Returned
from schemas.commands import ConfirmReturn, StartNetworkQuery
from schemas.ids import CommandId, OpenId
from schemas.sources import PurposeOfUse, SourceSelection
from service.crypto.tokens import code_hash
from service.ias import aal2
from service.ias.aal2 import Session
from service.store import sessions
from service.store.expiry import _PAGE, _WHERE, Kind
from service.store.pool import Database
from tests.support import people, records
from tests.support.outbox import kinds, only
from tests.support.people import Person

PATIENT = "0199b0c4-5d1e-7a3c-9b42-3f0a6c2d7e11"
CODE = "code-of-this-return-0001"
QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
OURS = ("consumers", "service", "schemas")


@pytest.fixture(params=[-2, 0, 2], ids=["two hours behind", "right", "two hours ahead"])
def skew(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> timedelta:
    """The clock of this process, as every module of ours sees it."""
    off = timedelta(hours=request.param)

    class Skewed(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + off

    changed = [
        module
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in OURS and getattr(module, "datetime", None) is datetime
    ]
    assert aal2 in changed
    for module in changed:
        monkeypatch.setattr(module, "datetime", Skewed)
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + off.total_seconds())
    return off


@pytest.fixture
async def jane(database: Database) -> Person:
    return await people.person(database, "jane", PATIENT)


async def test_a_clock_that_is_off_ends_nothing_early_and_nothing_late(
    database: Database, sweeper: Sweeper, jane: Person, skew: timedelta
) -> None:
    """I4: an hour's challenge that has one minute left, and one that is over."""
    async with database.transaction() as unit:
        made = [
            await people.challenge(unit, jane.subject_id, jane.patient_id, jane.identity_id)
            for _ in range(2)
        ]
    for pending, left in zip(made, (60, -61), strict=True):
        await people.sql(
            database,
            "update aal2_challenge set expires_at = clock_timestamp() + make_interval(secs => $1)"
            " where challenge_id = $2",
            float(left),
            pending.challenge_id,
        )
    assert await sweeper.round() == 1, skew
    event = await only(database, "Aal2ChallengeExpired")
    assert event["linkId"] == str(made[1].challenge_id)


async def test_a_clock_that_is_off_changes_nothing_about_a_whole_step(
    database: Database, sweeper: Sweeper, process: Processor, jane: Person, skew: timedelta
) -> None:
    """I2: return, confirmation and query of a minute ago; the ingress's clock is right here."""
    async with database.transaction() as unit:
        pending = await people.challenge(unit, jane.subject_id, jane.patient_id, jane.identity_id)
        now = unit.now
    await people.sql(database, "delete from aal2_session")
    returned = Aal2Returned(
        subject_id=jane.subject_id,
        challenge_id=pending.challenge_id,
        open_id=OpenId(uuid4()),
        aal2_session_id="aal2_of_this_return",
        code_hash=code_hash(CODE),
        returned_at=now,
    )
    await process(records.callback(returned))
    await process(
        records.command(
            ConfirmReturn(command_id=CommandId(uuid4()), subject_id=jane.subject_id, code=CODE)
        )
    )
    await process(
        records.command(
            StartNetworkQuery(
                command_id=CommandId(uuid4()),
                subject_id=jane.subject_id,
                patient_id=jane.patient_id,
                purpose_of_use=PurposeOfUse.IAS,
                sources=SourceSelection(hie=True),
            )
        )
    )
    assert await sweeper.round() == 0, skew
    assert await kinds(database) == [
        "Aal2SessionReceived",
        "ReturnConfirmed",
        "NetworkQueryQueued",
    ]


@pytest.mark.parametrize(("behind", "lives"), [(2.0, False), (0.0, True), (-2.0, True)])
async def test_an_ingress_whose_clock_is_off_can_only_shorten_a_session(
    database: Database,
    sweeper: Sweeper,
    process: Processor,
    jane: Person,
    behind: float,
    *,
    lives: bool,
) -> None:
    """I2: a return from the future counts from now; one from the past is believed."""
    async with database.transaction() as unit:
        pending = await people.challenge(unit, jane.subject_id, jane.patient_id, jane.identity_id)
        now = unit.now
    await people.sql(database, "delete from aal2_session")
    returned = Aal2Returned(
        subject_id=jane.subject_id,
        challenge_id=pending.challenge_id,
        open_id=OpenId(uuid4()),
        aal2_session_id="aal2_of_this_return",
        code_hash=b"h" * 32,
        returned_at=now - timedelta(hours=behind),
    )
    await process(records.callback(returned))
    row = await people.row(database, "aal2_session")
    assert row["returned_at"] <= now + timedelta(minutes=1)
    assert await sweeper.round() == int(not lives)


async def test_a_session_is_refused_for_use_before_it_is_too_old_never_after(
    database: Database, jane: Person
) -> None:
    """I2: a call that starts now still has to travel."""
    async with database.transaction() as unit:
        session = await sessions.by_id(unit, jane.session_id)
    assert session is not None
    start = session.returned_at
    assert _usable(session, start + timedelta(minutes=14, seconds=29))
    assert not _usable(session, start + timedelta(minutes=14, seconds=30))
    assert aal2.expires_at(session, QUARTER) == start + timedelta(minutes=14, seconds=30)


def _usable(session: Session, now: datetime) -> bool:
    return aal2.is_usable(session, now, QUARTER, HOUR, reuse=True)


@pytest.mark.parametrize("kind", list(Kind))
async def test_each_kind_is_found_by_an_index_of_its_own(database: Database, kind: Kind) -> None:
    async with database.connection() as connection:
        await connection.execute("set enable_seqscan = off")
        await connection.execute("set enable_sort = off")
        statement = _PAGE[kind].replace("$1", "now()").replace("$2", "'-infinity'")
        statement = statement.replace("$3", f"'{uuid4()}'").replace("$4", "10")
        rows = await connection.fetch(f"explain {statement}")
    plan = "\n".join(row[0] for row in rows)
    assert f"on {_WHERE[kind].table}" in plan
    assert "Index Scan using" in plan or "Index Only Scan using" in plan
    assert "Filter" not in plan
    assert "Seq Scan" not in plan
