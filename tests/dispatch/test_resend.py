"""``UNKNOWN_POLICY=resend``: one more call when no proof came, told, and never more (I3)."""

from datetime import timedelta
from uuid import UUID

import pytest

from consumers.sweeper import Sweeper
from service.store.pool import Database
from tests.support import people
from tests.support.outbox import bodies, kinds
from tests.support.people import Person
from tests.support.settings import rules

from .conftest import Gateway, Vendor, make_due, run_out, state_of

QUERY = "start-network-query"
WAITED = "update network_query set unknown_at = unknown_at - $1::interval"
FIVE_MINUTES = timedelta(minutes=5, seconds=1)
UNKNOWN, QUEUED, STARTED = (
    "NetworkQueryOutcomeUnknown",
    "NetworkQueryQueued",
    "NetworkQueryStarted",
)


@pytest.fixture
def sweeper(database: Database) -> Sweeper:
    """A sweeper where the policy is to send once more."""
    return Sweeper(database, rules(unknown_policy="resend"))


def _faulty(vendor: Vendor, kind: str, **more: object) -> None:
    vendor.sandbox.scripts.add_fault({"operation": QUERY, "kind": kind, **more})


async def _unknown(database: Database, gateway: Gateway, vendor: Vendor, who: Person) -> UUID:
    """A query that the vendor accepted, whose answer was lost, and whose proof did not come in time."""
    query_id = await people.due_query(database, who)
    _faulty(vendor, "drop-answer")
    await gateway.settle()
    assert await state_of(database, query_id) == "unknown"
    await people.sql(database, WAITED, FIVE_MINUTES)
    return query_id


async def test_by_default_a_query_without_proof_is_left_alone(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I3."""
    query_id = await _unknown(database, gateway, vendor, jane)
    assert await Sweeper(database, rules()).round() == 0
    await gateway.settle(2)
    assert await state_of(database, query_id) == "unknown"
    assert len(vendor.calls(QUERY)) == 1


async def test_before_the_wait_is_over_nothing_is_sent(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person, sweeper: Sweeper
) -> None:
    await _unknown(database, gateway, vendor, jane)
    await people.sql(database, WAITED, timedelta(seconds=-3))
    assert await sweeper.round() == 0
    await gateway.settle()
    assert len(vendor.calls(QUERY)) == 1


async def test_without_proof_it_is_sent_once_more_and_that_is_told(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person, sweeper: Sweeper
) -> None:
    """I3: the patient's slot is still its own, so the second call need not wait for it."""
    query_id = await _unknown(database, gateway, vendor, jane)
    assert await sweeper.round() == 1
    await gateway.settle()
    assert await state_of(database, query_id) == "started"
    assert await kinds(database) == [UNKNOWN, QUEUED, "Aal2SessionActivated", STARTED]
    assert (await bodies(database, QUEUED))[0]["resend"] is True
    assert len(vendor.calls(QUERY)) == 2


async def test_it_is_never_sent_a_third_time(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person, sweeper: Sweeper
) -> None:
    """I3."""
    query_id = await _unknown(database, gateway, vendor, jane)
    _faulty(vendor, "drop-answer")
    assert await sweeper.round() == 1
    await gateway.settle()
    assert await state_of(database, query_id) == "unknown"
    await people.sql(database, WAITED, timedelta(days=1))
    assert await sweeper.round() == 0
    await make_due(database)
    await gateway.settle(2)
    assert len(vendor.calls(QUERY)) == 2
    assert await kinds(database) == [UNKNOWN, QUEUED, UNKNOWN]


@pytest.mark.parametrize(
    ("status", "reason"), [(400, "session_refused"), (404, "patient_not_found")]
)
async def test_a_refusal_of_the_second_call_says_nothing_of_the_first(  # noqa: PLR0913, PLR0917 - fixtures
    database: Database,
    gateway: Gateway,
    vendor: Vendor,
    jane: Person,
    sweeper: Sweeper,
    status: int,
    reason: str,
) -> None:
    """I3: told with its reason; later proof of the first still counts."""
    query_id = await _unknown(database, gateway, vendor, jane)
    body = '{"status":404,"title":"NotFoundError"}' if status == 404 else "{}"
    _faulty(vendor, "status", status=status, body=body)
    await sweeper.round()
    await gateway.settle()
    assert await state_of(database, query_id) == "unknown"
    assert [body["reason"] for body in await bodies(database, UNKNOWN)] == [
        "vendor_unclear",
        reason,
    ]


async def test_without_a_usable_session_it_stays_unknown_and_is_not_sent(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person, sweeper: Sweeper
) -> None:
    """I2, I3: a session that became too old meanwhile is not used."""
    query_id = await _unknown(database, gateway, vendor, jane)
    await people.sql(database, "update aal2_session set state = 'expired'")
    await sweeper.round()
    await gateway.settle()
    assert await state_of(database, query_id) == "unknown"
    assert len(vendor.calls(QUERY)) == 1
    assert (await bodies(database, UNKNOWN))[-1]["reason"] == "session_required"


async def test_a_second_call_that_was_never_sent_is_made_later(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person, sweeper: Sweeper
) -> None:
    """I4."""
    query_id = await _unknown(database, gateway, vendor, jane)
    _faulty(vendor, "status", status=429)
    await sweeper.round()
    await gateway.settle()
    assert await state_of(database, query_id) == "resending"
    await make_due(database)
    await gateway.settle()
    assert await state_of(database, query_id) == "started"
    assert [call.status for call in vendor.calls(QUERY)] == [None, 429, 200]


async def test_a_replica_that_dies_in_the_second_call_leaves_it_unknown(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person, sweeper: Sweeper
) -> None:
    """I3."""
    query_id = await _unknown(database, gateway, vendor, jane)
    await sweeper.round()
    gateway.dies = True
    await gateway.round()
    await run_out(database)
    gateway.dies = False
    await gateway.settle(2)
    assert await state_of(database, query_id) == "unknown"
    assert len(vendor.calls(QUERY)) == 1


async def test_at_its_deadline_nothing_is_sent_any_more(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person, sweeper: Sweeper
) -> None:
    """I4: and the sweeper does not look at it for ever."""
    query_id = await _unknown(database, gateway, vendor, jane)
    await people.sql(database, "update network_query set deadline = now(), hie_slot = false")
    assert [await sweeper.round() for _ in range(2)] == [1, 0]
    await gateway.settle()
    assert await state_of(database, query_id) == "unknown"
    assert len(vendor.calls(QUERY)) == 1


async def test_a_deadline_that_comes_while_the_second_call_waits_ends_the_waiting(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person, sweeper: Sweeper
) -> None:
    """I4: the patient's slot is free for others."""
    query_id = await _unknown(database, gateway, vendor, jane)
    await sweeper.round()
    await people.sql(database, "update network_query set deadline = now()")
    await sweeper.round()
    await gateway.settle()
    row = await people.row(database, "network_query", query_id=query_id)
    assert (row["state"], row["hie_slot"]) == ("unknown", False)
    assert len(vendor.calls(QUERY)) == 1
