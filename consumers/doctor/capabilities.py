"""What the account can do, as far as it can be found out without starting anything.

Metriport documents no call that tells whether IAS is enabled, nor one that lists the allowed redirect URLs.
So this looks at what the vendor has answered this deployment so far, and at GETs about things that do not
exist. ``--knock`` adds Create Identity Session without a patient: refused either way, and how is telling.
"""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Final, NamedTuple
from uuid import uuid4

from consumers.doctor.finding import Finding, ok, warning, wrong
from schemas.ids import PatientId, VendorRequestId
from service.assumed.comparing import Origin, Seen, compare
from service.assumed.shapes import content_type_of, shape_of_bytes
from service.gateway import protocol
from service.gateway.client import open_client
from service.gateway.outcome import VendorResponse
from service.gateway.protocol import VendorRequest
from service.settings.metriport import Metriport
from service.store.calls import Operation
from service.store.health import Asked

HOSTED: Final = {
    Operation.CREATE_IDENTITY_SESSION: "/callbacks/identity",
    Operation.CREATE_AAL2_CHALLENGE: "/callbacks/aal2",
}
ACCEPTED: Final = "accepted"
REFUSED: Final = "refused"
_ASK_SUPPORT: Final = "ask Metriport's support to enable IAS for the account"


class Past(NamedTuple):
    """What the database tells of earlier calls; empty where it could not be asked."""

    asked: list[Asked]
    purposes: Mapping[str, int]


async def ask(settings: Metriport, *, knock: bool) -> dict[str, Seen]:
    """The answers to harmless questions, as shapes, by what was asked. No answer: it is not there."""
    seen: dict[str, Seen] = {}

    def look(operation: str, answer: VendorResponse) -> None:
        kind = content_type_of(answer.headers.get("content-type"))
        shape = dict(shape_of_bytes(answer.body))
        seen[operation] = Seen(Origin.ANSWER, operation, answer.status, kind, shape)

    async with open_client(settings, look) as client:
        for operation, request in _questions(settings.facility_id, knock=knock).items():
            await client.call(operation, request)
    return seen


def _questions(facility_id: str, *, knock: bool) -> dict[str, VendorRequest]:
    nobody = str(uuid4())
    questions = {
        "get_patient": protocol.get_patient(PatientId(nobody)),
        "get_network_query": protocol.get_network_query(VendorRequestId(nobody)),
        "get_facility": protocol.get_facility(facility_id),
    }
    if knock:
        questions["knock"] = protocol.knock_at_identity()
    return questions


def judge(
    seen: Mapping[str, Seen], past: Past, *, public_url: str | None, treatment: bool
) -> Iterator[Finding]:
    """What the account can do."""
    yield _medical(seen.get("get_patient"))
    yield _facility(seen.get("get_facility"))
    yield _queries(seen.get("get_network_query"))
    yield _ias(seen.get("knock"), past, treatment=treatment)
    yield from _allow_list(past, public_url)
    yield _treatment(past, treatment=treatment)
    yield from _shapes(seen)


def _medical(seen: Seen | None) -> Finding:
    check = "capability.medical-api"
    if seen is None:
        return wrong(check, "no answer", "look at the network and at Metriport's status page")
    if seen.status == HTTPStatus.FORBIDDEN:
        return wrong(check, "the account has no access to it", "ask Metriport's support")
    return ok(check, f"answers (a patient that is not there: {seen.status})")


def _facility(seen: Seen | None) -> Finding:
    check = "capability.facility"
    if seen is not None and seen.status == HTTPStatus.OK:
        return ok(check, "METRIPORT_FACILITY_ID is a facility of the account")
    if seen is not None and seen.status == HTTPStatus.NOT_FOUND and "$.title" in seen.shape:
        todo = "take the id of a facility from Metriport's dashboard: no patient can be created"
        return wrong(check, "METRIPORT_FACILITY_ID is no facility of the account", todo)
    return warning(check, "not told", "the first patient that is registered will tell")


def _queries(seen: Seen | None) -> Finding:
    check = "capability.network-query"
    if seen is not None and seen.status == HTTPStatus.NOT_FOUND and "$.title" in seen.shape:
        return ok(check, "the account can ask for a query (one that is not there: 404)")
    found = "no answer" if seen is None else f"answered {seen.status}"
    return warning(check, found, "ask Metriport's support whether network queries are enabled")


def _ias(knock: Seen | None, past: Past, *, treatment: bool) -> Finding:
    """Without IAS the product works for treatment alone, if that is switched on."""
    check = "capability.ias"
    if past.purposes.get("ias"):
        return ok(check, f"enabled: {past.purposes['ias']} ias queries were accepted")
    last = _last(past, Operation.CREATE_IDENTITY_SESSION)
    if last is not None and last.outcome == ACCEPTED:
        return ok(check, "enabled: an identity session was created")
    if knock is not None and knock.status == HTTPStatus.BAD_REQUEST:
        return ok(check, "most likely enabled: an identity session without a patient is a 400")
    refused = last is not None and last.outcome == REFUSED
    if not refused and knock is None:
        todo = "say --knock, or start one identity verification: Metriport has no call that tells"
        return warning(check, "unknown: nothing was asked yet", todo)
    how = "was refused" if knock is None else f"without a patient is answered {knock.status}"
    found = f"not enabled, it seems: an identity session {how}"
    if treatment:
        todo = f"nothing for a treatment-only account; else {_ASK_SUPPORT}"
        return warning(check, found, todo)
    return wrong(check, found, f"{_ASK_SUPPORT}, or set TREATMENT_ENABLED=true to work without it")


def _allow_list(past: Past, public_url: str | None) -> Iterator[Finding]:
    for operation, path in HOSTED.items():
        url = f"{public_url or 'PUBLIC_URL'}{path}"
        last = _last(past, operation)
        if last is not None and last.outcome == ACCEPTED:
            yield ok("capability.allow-list", "allowed: a page with it was made", url)
            continue
        refused = last is not None and last.outcome == REFUSED
        found = "the last page with it was refused" if refused else "unknown: no page was made yet"
        todo = "ask Metriport's support to put this very URL on the allow-list; no call lists it"
        yield warning("capability.allow-list", found, todo, url)


def _treatment(past: Past, *, treatment: bool) -> Finding:
    check = "capability.treatment"
    if not treatment:
        return ok(check, "switched off (TREATMENT_ENABLED=false): treatment commands are refused")
    accepted = past.purposes.get("treatment", 0)
    return ok(check, f"switched on; {accepted} treatment queries were accepted. It needs no IAS")


def _shapes(seen: Mapping[str, Seen]) -> Iterator[Finding]:
    """The shapes of refusals, beside what is assumed of them."""
    for operation, one in seen.items():
        fields = " ".join(path.removeprefix("$.") for path in one.shape if path != "$")
        found = f"{one.status} {one.content_type}: {fields or 'no fields'}"
        odd = [f"{d.assumption} {d.path}: {d.found}, not {d.wanted}" for d in compare(one)]
        if odd:
            todo = "; ".join(odd)
            yield warning("capability.error-shapes", found, todo, operation)
        elif one.status != HTTPStatus.OK:
            yield ok("capability.error-shapes", found, operation)


def _last(past: Past, operation: Operation) -> Asked | None:
    """How the last call that was answered for good ended."""
    ended = [
        one
        for one in past.asked
        if one.operation == operation and one.outcome in {ACCEPTED, REFUSED}
    ]
    return max(ended, key=lambda one: one.last, default=None)
