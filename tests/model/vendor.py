"""Metriport's answers to the gateway, made up here; every call is judged by the model when it comes."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID, uuid4

from schemas.reasons import Reason
from service.gateway.outcome import (
    Accepted,
    CredentialDoubt,
    NotSent,
    Outcome,
    Refused,
    SlowDown,
    Unknown,
)
from service.gateway.protocol import VendorRequest

from .truth import Truth

PLANS = ("ok", "ok", "ok", "refuse", "answer lost", "lost", "not sent", "ok")
_numbers = count(1)


@dataclass
class Vendor:
    """One account with one patient."""

    truth: Truth
    patient: str
    issued: dict[str, str] = field(default_factory=dict)
    """AAL2 session → the proofed identity whose person answered the challenge."""
    requests: dict[str, UUID] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    running: dict[str, str] = field(default_factory=dict)
    """Consolidated queries by their parameters: the same ones get the id that runs already."""
    sent: list[UUID] = field(default_factory=list)
    plan: str = "ok"
    judged: int = 0

    async def call(self, operation: str, request: VendorRequest) -> Outcome:
        """What the gateway's client would make of the vendor's answer."""
        body = json.loads(request.body) if request.body else {}
        match operation:
            case "start_network_query":
                return self._network_query(request, body)
            case "start_consolidated_query":
                return self._consolidated(request)
            case "create_identity_session":
                return self._page(body)
            case "create_patient" | "get_patient":
                return _answer({"id": self.patient})
            case "create_aal2_challenge":
                return _answer(_hosted("challenge"))
            case _:
                return _answer({"id": "account"})

    def _page(self, body: dict[str, Any]) -> Outcome:
        page = _hosted("session")
        self.truth.pages[page["sessionId"]] = UUID(body["metadata"]["iasVerificationId"])
        return _answer(page)

    def _network_query(self, request: VendorRequest, body: dict[str, Any]) -> Outcome:
        query_id = UUID(body["metadata"]["iasQueryId"])
        asked = parse_qs(request.query)
        proofed, secret = body.get("proofedIdentityId"), request.headers.get("x-aal2-session")
        self._judge(query_id, asked, proofed, secret)
        if self.plan == "not sent":
            return NotSent()
        assert query_id not in self.sent, "I3: sent twice"
        self.sent.append(query_id)
        if self.plan == "lost":
            return Unknown()
        if secret is not None and self.issued.get(secret) != proofed:
            self.truth.sessions[secret].is_dead = True
            return CredentialDoubt(403)
        if self.plan == "refuse":
            return Refused(Reason.VENDOR_REFUSED, 404)
        return self._accept(query_id, proofed, list(body["sources"]))

    def _judge(
        self, query_id: UUID, asked: dict[str, list[str]], proofed: str | None, secret: str | None
    ) -> None:
        """I2: nothing but the caller's own identity, with a live session of exactly that identity."""
        self.judged += 1
        assert asked["patientId"] == [self.patient]
        purpose = self.truth.queries[query_id].purpose
        assert asked["purposeOfUse"] == [purpose], "I9: the purpose of a query changed"
        if purpose == "treatment":
            assert (proofed, secret) == (None, None), "I2: a session left ias"
            return
        assert proofed is not None, "I2: an ias call without its identity"
        assert secret is not None, "I2: an ias call without its session"
        assert self.truth.may_call_with(query_id, proofed, secret), "I2: somebody else's proof"

    def _accept(self, query_id: UUID, proofed: str | None, sources: list[str]) -> Outcome:
        request_id = f"nq-{next(_numbers)}-{uuid4()}"
        self.requests[request_id] = query_id
        query = self.truth.queries[query_id]
        query.is_accepted, query.proofed = True, proofed
        if self.plan == "answer lost":
            return Unknown()
        self.answered.add(request_id)
        rows = [{"type": source, "status": "processing"} for source in sources]
        return _answer({"requestId": request_id, "status": "processing", "sources": rows})

    def _consolidated(self, request: VendorRequest) -> Outcome:
        if self.plan == "not sent":
            return SlowDown(timedelta(seconds=1))
        request_id = self.running.setdefault(request.query, f"cq-{next(_numbers)}-{uuid4()}")
        return Unknown() if self.plan == "lost" else _answer(_running(request_id))


def _running(request_id: str) -> dict[str, Any]:
    return {"requestId": request_id, "status": "processing"}


def _hosted(kind: str) -> dict[str, Any]:
    return {
        f"{kind}Id": f"{kind}-{next(_numbers)}-{uuid4()}",
        f"{kind}Url": "https://hosted.example.com/step",
        "expiresAt": "2999-01-01T00:00:00Z",
    }


def _answer(body: dict[str, Any]) -> Accepted:
    return Accepted(json.dumps(body).encode())
