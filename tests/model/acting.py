"""What the two, their browsers, the vendor and time can do. Each takes who, and a number to choose by."""

# ruff: noqa: ARG001, FBT001 - every action has one signature, so that any can be drawn

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from schemas.callbacks import Aal2Returned, LinkOpened
from schemas.commands import (
    ConfirmReturn,
    LinkPatient,
    RegisterPatient,
    RenewDataLink,
    RevokeIdentity,
    StartAal2Challenge,
    StartConsolidatedQuery,
    StartIdentityVerification,
    StartNetworkQuery,
)
from schemas.demographics import Address, Demographics
from schemas.events import StepKind
from schemas.ids import ChallengeId, CommandId, LinkId, OpenId, PatientId, RequestId, SubjectId
from schemas.sources import PurposeOfUse, SourceSelection
from service.crypto.tokens import code_hash
from tests.support import people, records
from tests.support.settings import RETURN_URL

from .truth import Claim
from .vendor import PLANS
from .world import Step, World

Action = Callable[[World, str, int, bool], Awaitable[None]]


def _base(world: World, who: str) -> dict[str, Any]:
    return {"command_id": CommandId(uuid4()), "subject_id": SubjectId(who)}


async def link(world: World, who: str, n: int, twice: bool) -> None:
    """Register or link, both ending at the one patient."""
    purpose = PurposeOfUse.TREATMENT if n % 6 == 5 else PurposeOfUse.IAS
    if n % 2:
        command: Any = LinkPatient(
            **_base(world, who), patient_id=PatientId(world.patient), purpose=purpose
        )
    else:
        address = Address(address_line1="1 Main", city="X", state="CA", zip="94105", country="USA")
        person = Demographics(
            first_name="F",
            last_name="L",
            dob=date(1990, 1, 1),
            gender_at_birth="F",
            address=[address],
        )
        command = RegisterPatient(**_base(world, who), purpose=purpose, demographics=person)
    await world.command(command, twice=twice)
    await world.dispatch("ok")


async def verify(world: World, who: str, n: int, twice: bool) -> None:
    """Ask for a verification."""
    pair = _base(world, who) | {"patient_id": PatientId(world.patient)}
    await world.command(StartIdentityVerification(**pair, return_url=RETURN_URL), twice=twice)


async def open_step(world: World, who: str, n: int, twice: bool) -> None:
    """Press the button of a step, also of the other's: our page asks the vendor for a fresh one."""
    step: Step | None = world.pick(world.steps, n)
    if step is None:
        return
    callback = LinkOpened(
        link_id=LinkId(step.id),
        open_id=OpenId(uuid4()),
        subject_id=SubjectId(who),
        kind=StepKind(step.kind),
        opened_at=datetime.now(UTC),
    )
    await world.browser(callback, twice=twice)
    await world.dispatch("ok")


async def prove(world: World, who: str, n: int, twice: bool) -> None:
    """``ias.identity.verified``, with ids that fit, that are the other's, or with none."""
    mine = [step.id for step in world.steps if _is(step, who, "identity_verification")]
    theirs = [s.id for s in world.steps if _is(s, world.other(who), "identity_verification")]
    pages = [page for page, of in world.truth.pages.items() if of in mine]
    their_pages = [page for page, of in world.truth.pages.items() if of in theirs]
    shape = n % 8
    own_id = shape in {0, 1, 4, 5, 7}
    claim = Claim(
        proofed=_proofed(world, who, n // 8),
        at_patient=shape != 5,
        proved_at=world.tick(),
        verification=world.pick(theirs if shape == 6 else mine if own_id else [], n // 4),
        page=world.pick(
            their_pages if shape == 4 else pages if shape in {1, 2, 3} else [], n // 16
        ),
    )
    body = records.again(records.sample("ias.identity.verified.variant-a-payload"))
    body["payload"] |= {
        "proofedIdentityId": claim.proofed,
        "patientId": world.patient if claim.at_patient else "another patient",
        "verifiedAt": world.moment(),
    }
    body["payload"]["sessionId"] = body["meta"]["requestId"] = claim.page or "unheard-of"
    del body["meta"]["data"]
    if claim.verification is not None:
        body["meta"]["data"] = {"iasVerificationId": str(claim.verification)}
    world.truth.verify(claim)
    await world.webhook(body, twice=twice)


def _proofed(world: World, who: str, n: int) -> str:
    """A new identity, mostly; else one that this person or the other has already."""
    whose = {3: who, 5: who, 7: world.other(who)}.get(n % 8)
    known = [one for one, identity in world.truth.identities.items() if identity.owner == whose]
    return world.pick(known, n) or f"pid-{uuid4()}"


def _is(step: Step, who: str, kind: str) -> bool:
    return (step.subject, step.kind) == (who, kind)


async def challenge(world: World, who: str, n: int, twice: bool) -> None:
    """Ask for a challenge."""
    pair = _base(world, who) | {"patient_id": PatientId(world.patient)}
    await world.command(StartAal2Challenge(**pair, return_url=RETURN_URL), twice=twice)


async def come_back(world: World, who: str, n: int, twice: bool) -> None:
    """Return from a challenge with the own session, the other's, one presented before, or a guess."""
    mine = [step.id for step in world.steps if _is(step, who, "aal2_challenge")]
    challenge_id: UUID | None = world.pick(mine, n // 8)
    if challenge_id is None:
        return
    other, truth = world.other(who), world.truth
    presented = [one for one, session in truth.sessions.items() if session.owner == other]
    secret = f"aal2-{uuid4()}"
    match n % 8:
        case 5:
            secret = world.pick(presented, n) or secret
        case 6 if truth.active(other) is not None:
            world.vendor.issued[secret] = str(truth.active(other))  # taken before it was presented
        case 7:
            pass  # a guess
        case _:
            world.vendor.issued[secret] = truth.challenges[challenge_id].proofed
    code = f"code-{uuid4()}"
    truth.come_back(challenge_id, secret, code)
    callback = Aal2Returned(
        challenge_id=ChallengeId(challenge_id),
        open_id=OpenId(uuid4()),
        subject_id=SubjectId(who),
        aal2_session_id=secret,
        code_hash=code_hash(code),
        returned_at=datetime.now(UTC),
    )
    await world.browser(callback, twice=twice)
    if n % 3 == 1:  # a thief is faster than the owner
        world.watcher.tally["stolen code"] = world.watcher.tally.get("stolen code", 0) + 1
        world.truth.confirm(other, code)
        await world.command(ConfirmReturn(**_base(world, other), code=code), twice=twice)


async def confirm(world: World, who: str, n: int, twice: bool) -> None:
    """Confirm with an own code, the other's, or a guess."""
    whose = world.other(who) if n % 4 == 2 else who
    codes = [one.code for one in world.truth.sessions.values() if one.owner == whose]
    code = world.pick(codes, n // 4) if n % 4 != 3 else None
    code = code or f"code-{uuid4()}"
    world.truth.confirm(who, code)
    await world.command(ConfirmReturn(**_base(world, who), code=code), twice=twice)


async def query(world: World, who: str, n: int, twice: bool) -> None:
    """Start a network query, for ias or as treatment."""
    purpose = PurposeOfUse.TREATMENT if n % 4 == 3 else PurposeOfUse.IAS
    sources = SourceSelection(hie=n % 3 != 1, lab=n % 3 != 0)
    pair = _base(world, who) | {"patient_id": PatientId(world.patient)}
    command = StartNetworkQuery(**pair, sources=sources, purpose_of_use=purpose)
    await world.command(command, twice=twice)


async def dispatch(world: World, who: str, n: int, twice: bool) -> None:
    """A round of the gateway."""
    await world.dispatch("dies" if n % 11 == 10 else PLANS[n % len(PLANS)])


async def news(world: World, who: str, n: int, twice: bool) -> None:
    """A ``network-query.*`` webhook: of either query, with or without metadata, or of mixed ids."""
    request_id: str | None = world.pick(list(world.vendor.requests), n)
    if request_id is None:
        return
    name = ("hie.completed", "hie.failed", "lab.completed", "hie.first-data-ready")[n % 4]
    query_id = world.vendor.requests[request_id]
    data: dict[str, str] | None = {"iasQueryId": str(query_id)}
    if n % 5 == 3:
        data = None
    if n % 5 == 4 and request_id in world.vendor.answered:
        data = {"iasQueryId": str(world.pick(list(world.truth.queries), n // 5))}
    body = records.again(records.sample(f"network-query.{name}"))
    body["meta"] |= {"requestId": request_id, "data": data}
    body["payload"]["patientId"] = world.patient if n % 13 else "another patient"
    body["payload"]["purposeOfUse"] = world.truth.queries[query_id].purpose
    if "completedAt" in body["payload"]["source"]:
        world.tick()
        body["payload"]["source"]["completedAt"] = world.moment()
    await world.webhook(body, twice=twice)


async def ask_for_data(world: World, who: str, n: int, twice: bool) -> None:
    """Start a consolidated query, with the same parameters as the other's."""
    pair = _base(world, who) | {"patient_id": PatientId(world.patient)}
    await world.command(StartConsolidatedQuery(**pair), twice=twice)


async def renew(world: World, who: str, n: int, twice: bool) -> None:
    """Renew a link: of an own request, of the other's, or of a guessed one."""
    whose = world.other(who) if n % 3 == 1 else who
    request_id = world.pick(world.consolidated.get(whose, []), n) if n % 3 != 2 else None
    command = RenewDataLink(**_base(world, who), request_id=RequestId(request_id or uuid4()))
    await world.command(command, twice=twice)


async def deliver(world: World, who: str, n: int, twice: bool) -> None:
    """``medical.consolidated-data`` for a request that runs; both may wait for it."""
    running = world.vendor.running
    if not running:
        return
    parameters = next(iter(running))
    body = records.again(records.sample("medical.consolidated-data.completed"))
    body["meta"] |= {"requestId": running.pop(parameters), "when": datetime.now(UTC).isoformat()}
    patient = body["patients"][0]
    patient["patientId"] = world.patient
    attachment = patient["bundle"]["entry"][0]["resource"]["content"][0]["attachment"]
    attachment["url"] = f"https://data.example.com/{uuid4()}"
    await world.webhook(body, twice=twice)


async def revoke(world: World, who: str, n: int, twice: bool) -> None:
    """Revoke everything of one of the two."""
    world.truth.revoke(who)
    pair = _base(world, who) | {"patient_id": PatientId(world.patient)}
    await world.command(RevokeIdentity(**pair, reason="asked for"), twice=twice)


_SESSIONS: Final = """
update aal2_session set returned_at = returned_at - interval '1 day',
    last_used_at = last_used_at - interval '1 day' where subject_id = $1
"""
_VERIFICATIONS: Final = """
update identity_verification set expires_at = now() - interval '1 hour'
where subject_id = $1 and state = 'pending'
"""
_CHALLENGES: Final = """
update aal2_challenge set expires_at = now() - interval '1 hour'
where subject_id = $1 and state = 'pending'
"""
_QUERIES: Final = """
update network_query set deadline = now() - interval '1 hour' where subject_id = $1
"""
_DATA: Final = """
update consolidated_query set created_at = now() - interval '1 day' where subject_id = $1
"""
_OVER: Final = (_SESSIONS, _VERIFICATIONS, _CHALLENGES, _QUERIES, _DATA)


async def run_out(world: World, who: str, n: int, twice: bool) -> None:
    """Time passes for one kind of thing of one of the two; nobody has swept yet."""
    await people.sql(world.database, _OVER[n % len(_OVER)], who)
    match n % len(_OVER):
        case 0:
            world.truth.end_sessions(who)
        case 1:
            for verification in world.truth.verifications.values():
                verification.overdue |= verification.owner == who
        case 2:
            for pending in world.truth.challenges.values():
                pending.overdue |= pending.owner == who


async def settle(world: World, who: str, n: int, twice: bool) -> None:
    """Sweeper, parked webhooks, unbound identities."""
    await world.settle()


async def repeat(world: World, who: str, n: int, twice: bool) -> None:
    """Anything heard before comes once more, alone or in one batch with its neighbours."""
    if world.seen:
        first = n % len(world.seen)
        await world.repeat(world.seen[first : first + 1 + n % 4])


ACTIONS: Final[Mapping[str, tuple[int, Action]]] = {
    "link": (1, link),
    "verify": (2, verify),
    "open_step": (2, open_step),
    "prove": (6, prove),
    "challenge": (2, challenge),
    "come_back": (3, come_back),
    "confirm": (2, confirm),
    "query": (4, query),
    "dispatch": (4, dispatch),
    "news": (6, news),
    "ask_for_data": (3, ask_for_data),
    "renew": (2, renew),
    "deliver": (3, deliver),
    "revoke": (2, revoke),
    "run_out": (3, run_out),
    "settle": (3, settle),
    "repeat": (2, repeat),
}
"""How often each is drawn, beside what an honest person does next (``honest``)."""
