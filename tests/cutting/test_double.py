"""The same cuts before the double of the vendor: its ledger and our outcome must agree (I3)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import pytest
from aiohttp.test_utils import TestServer

from schemas.ids import PatientId, RequestId, VerificationId
from schemas.sources import Source
from service.gateway import protocol
from service.gateway.client import VendorClient
from service.gateway.outcome import Accepted, NotSent, Outcome, Unknown
from service.gateway.protocol import IasProof, VendorRequest
from tests.fuzz.profiles import IS_DEEP
from tests.metriport_sandbox import (
    DEFAULT_API_KEY,
    DEFAULT_FACILITY_ID,
    Sandbox,
    SandboxConfig,
    create_sandbox,
)
from tests.metriport_sandbox.state import Aal2Session, Identity, Patient
from tests.support.waiting import until

from .calls import marked
from .conftest import Connect
from .proxy import Cut, How, Proxy, Way, proxied

STEP = 1 if IS_DEEP else 29
"""Every byte, or every so many of them."""
PATIENT, PROOFED, SESSION = "patient-1", "pid_1", "aal2_1"
_ID = UUID("0199b1d0-0000-7000-8000-000000000001")
CALLS: dict[str, VendorRequest] = {
    "get_patient": protocol.get_patient(PatientId(PATIENT)),
    "create_identity_session": protocol.create_identity_session(
        PatientId(PATIENT), "https://ias.example.com/callbacks/identity", VerificationId(_ID)
    ),
    "create_aal2_challenge": protocol.create_aal2_challenge(
        PROOFED, "https://ias.example.com/callbacks/aal2"
    ),
    "start_network_query": protocol.start_network_query(
        PatientId(PATIENT),
        [Source.HIE],
        RequestId(_ID),
        IasProof(proofed_identity_id=PROOFED, aal2_session_id=SESSION),
    ),
    "start_consolidated_query": protocol.start_consolidated_query(
        PatientId(PATIENT), "json", None, None, None
    ),
    "probe_key": protocol.probe_key(),
}
DEEP_ONLY = {"get_patient", "create_identity_session", "create_aal2_challenge", "probe_key"}


@dataclass
class Double:
    """The vendor's double behind a proxy, and a client that goes through it."""

    sandbox: Sandbox
    proxy: Proxy
    client: VendorClient
    made: int = 0

    async def call(self, operation: str, cut: Cut | None = None) -> "Attempt":
        """Make a call that the double can tell from every other."""
        self.made += 1
        request = marked(CALLS[operation], self.made)
        self.proxy.cut = cut
        outcome = await self.client.call(operation, request)
        await self.proxy.idle()
        return Attempt(request.headers["traceparent"], cut, outcome)

    async def settled(self) -> None:
        """No call is worked on any more."""
        await until(lambda: all(call.status is not None for call in self.sandbox.ledger.calls))

    def accepted(self, attempt: "Attempt") -> int:
        """How often the double received the whole call."""
        found = [call.headers.get("traceparent") for call in self.sandbox.ledger.calls]
        return found.count(attempt.mark)


class Attempt(NamedTuple):
    """One call and what it was taken for."""

    mark: str
    cut: Cut | None
    outcome: Outcome


@pytest.fixture
async def double(connect: Connect) -> AsyncIterator[Double]:
    """A double that knows one person and has no limits: every complete call is accepted."""
    sandbox = create_sandbox(
        SandboxConfig(
            allow_loopback=True, step_seconds=600.0, seed=7, limits={}, aal2_session_seconds=3600
        )
    )
    state, now = sandbox.state, sandbox.now()
    state.patients[PATIENT] = Patient(
        id=PATIENT,
        e_tag="0" * 32,
        facility_ids=[DEFAULT_FACILITY_ID],
        created=now,
        demographics={"firstName": "Given", "lastName": "Family", "dob": "1990-01-01"},
    )
    state.identities[PROOFED] = Identity(id=PROOFED, patient_id=PATIENT, totp_secret="S")
    state.aal2_sessions[SESSION] = Aal2Session(
        id=SESSION, identity_id=PROOFED, patient_id=PATIENT, expires=now + 3600
    )
    async with TestServer(sandbox.app) as server, proxied(server.port or 0) as proxy:
        yield Double(sandbox, proxy, await connect(proxy.url(), key=DEFAULT_API_KEY))
    assert sandbox.background.failures == []


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize("operation", [name for name in CALLS if IS_DEEP or name not in DEEP_ONLY])
async def test_what_the_double_accepted_is_never_taken_for_not_sent(
    double: Double, operation: str, way: Way
) -> None:
    """A reset may arrive before the bytes it follows are read, so then it may have accepted or not."""
    sound = await double.call(operation)
    assert isinstance(sound.outcome, Accepted)
    whole = double.proxy.passed[way]
    places = [(after, how) for after in [*range(0, whole, STEP), whole] for how in How]
    attempts = [await double.call(operation, Cut(way, after, how)) for after, how in places]
    await double.settled()
    for attempt, (after, _) in zip(attempts, places, strict=True):
        outcome, accepted = attempt.outcome, double.accepted(attempt)
        assert not isinstance(outcome, NotSent), attempt
        assert isinstance(outcome, Accepted | Unknown if after == whole else Unknown), attempt
        if way is Way.RESPONSE:
            assert accepted == 1, attempt
        else:
            assert accepted <= int(after == whole), attempt


async def test_sound_connections_give_no_ambiguous_outcome(double: Double) -> None:
    for in_single_bytes in (False, True):
        double.proxy.in_single_bytes = in_single_bytes
        for operation in CALLS:
            for _ in range(3):
                attempt = await double.call(operation)
                assert isinstance(attempt.outcome, Accepted)
                assert double.accepted(attempt) == 1
