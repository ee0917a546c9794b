"""The judge of two people's calls: what is another's is found, in the ledger and as a bug in the product."""

import asyncio
import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from schemas.ids import CommandId, PatientId, SubjectId
from service.gateway.operations import network_query
from service.gateway.operations.common import Surroundings
from service.gateway.protocol import IasProof
from service.store import identities, sessions
from service.store.queries import Query
from service.store.unit import Unit
from tests.metriport_sandbox.ledger import Call
from tests.soak.pair_truth import QUERY, SESSION_HEADER, Truth, judge
from tests.soak.pairs import opened, played
from tests.stack.postgres import EmbeddedPostgres
from tests.support.plugin import SERVICE_ROLE

ANN, BOB = SubjectId("ann"), SubjectId("bob")
TRUTH = Truth(
    patients={ANN: PatientId("p"), BOB: PatientId("p")},
    asked={CommandId(UUID(int=n)): who for n, who in enumerate((ANN, BOB))},
    makers={f"{kind}-{who}": who for kind in ("pid", "aal2") for who in (ANN, BOB)},
    led_to={f"{kind}-{who}": CommandId(UUID(int=n)) for kind in "qv" for n, who in enumerate("ab")},
)
NEWEST_OF_PATIENT = """
select session_id from aal2_session where patient_id = $1 and state in ('confirmed', 'proven')
order by returned_at desc limit 1
"""


def _call(operation: str, body: dict[str, Any], **more: Any) -> Call:
    fields: dict[str, Any] = {
        "number": 1,
        "at": 0.0,
        "method": "POST",
        "path": "/",
        "query": {"patientId": "p"},
        "headers": {},
        "status": 200,
        "answer": '{"requestId":"r"}',
    }
    return Call(operation=operation, body=json.dumps(body), **(fields | more))


def _query(query_id: str = "q-a", identity: str = "pid-ann", session: str = "aal2-ann") -> Call:
    body = {"proofedIdentityId": identity, "metadata": {"iasQueryId": query_id}}
    return _call(QUERY, body, headers={SESSION_HEADER: session})


BOBS = _query("q-b", "pid-bob", "aal2-bob")


def test_own_calls_are_clean() -> None:
    judged = judge([_query(), BOBS], TRUTH)
    assert (judged.calls, judged.bound, judged.twice, judged.wrong) == (2, 2, 0, [])


@pytest.mark.parametrize(
    "call",
    [
        _query(session="aal2-bob"),
        _query(identity="pid-bob"),
        _query(identity="pid-bob", session="aal2-bob"),
        _query(session=""),
        _query("q-of-nobody"),
        replace(_query(), query={"patientId": "another"}),
    ],
    ids=["session", "identity", "both", "no session", "nobody's", "patient"],
)
def test_whatever_is_anothers_is_found(call: Call) -> None:
    assert len(judge([call, BOBS], TRUTH).wrong) == 1


def test_two_sessions_that_were_exchanged_are_found() -> None:
    ann, bob = _query(), BOBS
    ann, bob = replace(ann, headers=bob.headers), replace(bob, headers=ann.headers)
    assert len(judge([ann, bob], TRUTH).wrong) == 2


def test_a_query_that_is_accepted_twice_is_found_and_one_that_was_refused_before_is_none() -> None:
    refused = replace(_query(), status=503, answer="")
    assert judge([_query(), refused], TRUTH).twice == 0
    assert judge([_query(), _query()], TRUTH).twice == 1


def test_a_page_that_another_is_sent_to_or_that_is_for_another_patient_is_found() -> None:
    truth = replace(TRUTH, opened={"page": BOB})
    made = {"sessionUrl": "page", "challengeUrl": "page"}
    body = {"patientId": "p", "metadata": {"iasVerificationId": "v-a"}}
    calls = [
        _call("create-identity-session", body, answer=json.dumps(made)),
        _call("create-aal2-challenge", {"proofedIdentityId": "pid-ann"}, answer=json.dumps(made)),
        _call("create-identity-session", body | {"patientId": "another"}, answer="{}"),
        _call("create-aal2-challenge", {"proofedIdentityId": "unknown"}, answer="{}"),
    ]
    assert [len(judge([call], truth).wrong) for call in calls] == [1, 1, 1, 1]
    own = replace(truth, opened={"page": ANN})
    assert judge(calls[:2], own).wrong == []


async def _ledger(dsn: str, cases: int) -> tuple[list[Call], Truth]:
    async with opened(dsn, 1) as place:
        run = await played(place, cases, 1)
        assert run.failed == []
        assert place.house.sandbox.background.failures == []
        return place.house.sandbox.ledger.calls, place.truth


def _dsn(postgres: EmbeddedPostgres, database: str) -> str:
    return postgres.dsn(database, user=SERVICE_ROLE)


@pytest.mark.process
def test_a_small_run_is_clean_and_an_exchange_in_it_is_found(
    postgres: EmbeddedPostgres, migrated_database: str
) -> None:
    calls, truth = asyncio.run(_ledger(_dsn(postgres, migrated_database), 6))
    judged = judge(calls, truth)
    assert (judged.wrong, judged.twice) == ([], 0)
    assert judged.bound > 6
    assert judged.calls > judged.bound
    bound = [call for call in calls if call.operation == QUERY]
    one, other = bound[0], next(one for one in bound if one.headers != bound[0].headers)
    one.headers, other.headers = other.headers, one.headers
    assert len(judge(calls, truth).wrong) == 2


async def _proof_of_the_patient(unit: Unit, _: Surroundings, query: Query) -> IasProof | None:
    """The bug: as if a session were the patient's, whoever's it is."""
    session_id = await unit.conn.fetchval(NEWEST_OF_PATIENT, query.patient_id)
    session = None if session_id is None else await sessions.by_id(unit, session_id)
    if session is None or query.identity_id is None:
        return None
    proofed = await identities.proofed_identity_id(unit, query.subject_id, query.identity_id)
    assert proofed is not None
    secret = await sessions.secret(unit, session)
    return IasProof(proofed_identity_id=proofed, aal2_session_id=secret)


@pytest.mark.process
def test_a_session_that_is_looked_up_by_the_patient_alone_is_found(
    postgres: EmbeddedPostgres, migrated_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_query, "_proof", _proof_of_the_patient)
    calls, truth = asyncio.run(_ledger(_dsn(postgres, migrated_database), 6))
    assert any("has the session of" in one for one in judge(calls, truth).wrong)
