"""Create Identity Session and Create AAL2 Challenge: a fresh hosted page for one click.

Repeating either is harmless: only the last page is shown, and pages are single use.
"""

from datetime import datetime
from typing import NamedTuple

from schemas.events import StepKind
from schemas.ids import OpenId
from schemas.metriport.api import Aal2Challenge, IdentitySession
from service.crypto import tokens
from service.gateway import protocol
from service.gateway.operations.common import (
    Handler,
    Prepared,
    Surroundings,
    Void,
    finish,
    read_answer,
    refusal,
    retry_later,
)
from service.gateway.outcome import Outcome
from service.gateway.protocol import VendorRequest
from service.ias.aal2 import ChallengeState
from service.ias.browser import hosted_url_purpose
from service.ias.identity import VerificationState
from service.store import hosted_pages, identities, sessions
from service.store.calls import Call
from service.store.hosted_pages import HostedPage
from service.store.unit import Unit


class Made(NamedTuple):
    """A page that the vendor made; its URL is a bearer link."""

    vendor_id: str
    url: str
    expires_at: datetime

    def __repr__(self) -> str:
        return "Made(…)"


async def prepare(unit: Unit, around: Surroundings, call: Call) -> Prepared:
    """The request, unless the step is over by now."""
    page = await hosted_pages.page(unit.conn, OpenId(call.ref_id))
    if page is None or page.state != "waiting":
        return Void("the page is not wanted any more")
    if page.kind is StepKind.IDENTITY_VERIFICATION:
        request = await _identity_session(unit, around, page)
    else:
        request = await _challenge(unit, around, page)
    return request or Void("the step is over")


async def _identity_session(
    unit: Unit, around: Surroundings, page: HostedPage
) -> VendorRequest | None:
    verification = await identities.verification(unit, page.link_id)
    if verification is None or verification.state is not VerificationState.PENDING:
        return None
    return protocol.create_identity_session(
        verification.patient_id,
        f"{around.public_url}/callbacks/identity",
        verification.verification_id,
    )


async def _challenge(unit: Unit, around: Surroundings, page: HostedPage) -> VendorRequest | None:
    challenge = await sessions.challenge(unit, page.link_id)
    if (
        challenge is None
        or challenge.state != ChallengeState.PENDING
        or challenge.expires_at <= unit.now
    ):
        return None
    proofed = await identities.proofed_identity_id(
        unit, challenge.subject_id, challenge.identity_id
    )
    if proofed is None:
        return None
    return protocol.create_aal2_challenge(proofed, f"{around.public_url}/callbacks/aal2")


async def record(unit: Unit, around: Surroundings, call: Call, outcome: Outcome) -> None:
    """Hand the page to the waiting browser, or say that there will be none."""
    if await retry_later(unit, call, outcome, repeatable=True):
        return
    open_id = OpenId(call.ref_id)
    page = await hosted_pages.page(unit.conn, open_id)
    made = None if page is None else _made(page.kind, outcome)
    if made is None:
        await hosted_pages.refused(unit, open_id, refusal(outcome)[0])
    else:
        sealed = tokens.issue(around.link_keys, hosted_url_purpose(open_id), made.url)
        await hosted_pages.ready(unit, open_id, made.vendor_id, sealed, made.expires_at)
    await finish(unit, call, outcome)


def _made(kind: StepKind, outcome: Outcome) -> Made | None:
    if kind is StepKind.IDENTITY_VERIFICATION:
        session = read_answer(outcome, IdentitySession)
        if session is not None:
            return Made(session.session_id, session.session_url, session.expires_at)
        return None
    challenge = read_answer(outcome, Aal2Challenge)
    if challenge is not None:
        return Made(challenge.challenge_id, challenge.challenge_url, challenge.expires_at)
    return None


HANDLER = Handler(prepare, record)
