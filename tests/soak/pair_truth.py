"""Who made what, known from who was there when it was made; and what the vendor received, held against it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.ids import CommandId, PatientId, SubjectId
from tests.bench.dispatch_judge import accepted_twice
from tests.metriport_sandbox.ledger import Call

QUERY = "start-network-query"
SESSION_HEADER = "x-aal2-session"
Maker = SubjectId | None
"""``None``: nobody that is known of."""


@dataclass
class Truth:
    """Nothing in here was decided by the service, but for the ids that it made up.

    Attributes:
        patients: Whose data each person asks for; two may share it.
        asked: Each command, and who sent it.
        makers: Each identity and session at the vendor, and who proved themselves for it there.
        led_to: Each id of the service's own, of a query or of a step, and the command it told it for.
        opened: Each hosted page, and who was sent there.
    """

    patients: dict[SubjectId, PatientId] = field(default_factory=dict)
    asked: dict[CommandId, SubjectId] = field(default_factory=dict)
    makers: dict[str, SubjectId] = field(default_factory=dict)
    led_to: dict[str, CommandId] = field(default_factory=dict)
    opened: dict[str, SubjectId] = field(default_factory=dict)

    def owner(self, own_id: str) -> Maker:
        """Whose command it was."""
        command_id = self.led_to.get(own_id)
        return None if command_id is None else self.asked.get(command_id)


@dataclass
class Judged:
    """What was received. ``bound``: queries with an identity and a session."""

    calls: int = 0
    bound: int = 0
    twice: int = 0
    wrong: list[str] = field(default_factory=list)


def judge(calls: Sequence[Call], truth: Truth) -> Judged:
    """Everything that came about a person."""
    judged = Judged()
    queries = [call for call in calls if call.operation == QUERY]
    for call in calls:
        look = _LOOKS.get(call.operation)
        if look is None:
            continue
        judged.calls += 1
        found = list(look(call, json.loads(call.body or "{}"), truth))
        judged.wrong += [f"call {call.number}: {'; '.join(found)}"] if found else []
    judged.bound = sum(
        "proofedIdentityId" in json.loads(call.body) and SESSION_HEADER in call.headers
        for call in queries
    )
    judged.twice = accepted_twice(queries)
    return judged


def _query(call: Call, body: Mapping[str, Any], truth: Truth) -> Iterator[str]:
    owner = truth.owner(body["metadata"]["iasQueryId"])
    whose = {
        "identity": truth.makers.get(body.get("proofedIdentityId", "")),
        "session": truth.makers.get(call.headers.get(SESSION_HEADER, "")),
    }
    for what, maker in whose.items():
        if owner is None or maker != owner:
            yield f"a query of {owner} has the {what} of {maker}"
    yield from _patient(owner, call.query.get("patientId"), truth)


def _verification(call: Call, body: Mapping[str, Any], truth: Truth) -> Iterator[str]:
    owner = truth.owner(body["metadata"]["iasVerificationId"])
    yield from _patient(owner, body.get("patientId"), truth)
    yield from _page(call, "sessionUrl", owner, truth)


def _challenge(call: Call, body: Mapping[str, Any], truth: Truth) -> Iterator[str]:
    """It names no command: what tells whose it was is who was sent to the page."""
    maker = truth.makers.get(body["proofedIdentityId"])
    if maker is None:
        yield "a challenge of nobody's identity"
    yield from _page(call, "challengeUrl", maker, truth)


def _patient(owner: Maker, patient_id: str | None, truth: Truth) -> Iterator[str]:
    if owner is None or truth.patients[owner] != patient_id:
        yield f"a call of {owner} is about another patient"


def _page(call: Call, url: str, owner: Maker, truth: Truth) -> Iterator[str]:
    """The page that was made is shown to nobody else."""
    answer = json.loads(call.answer) if call.status == 200 and call.answer else {}
    shown_to = truth.opened.get(answer.get(url, ""), owner)
    if shown_to != owner:
        yield f"{shown_to} was sent to a page of {owner}"


_LOOKS = {
    QUERY: _query,
    "create-identity-session": _verification,
    "create-aal2-challenge": _challenge,
}
