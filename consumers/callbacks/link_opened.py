"""``LinkOpened``: somebody pressed the button of a hosted step; ask the vendor for a fresh page."""

import structlog

from consumers.context import Context
from schemas.callbacks import LinkOpened
from schemas.events import StepKind
from schemas.ids import ChallengeId, VerificationId
from schemas.reasons import Reason
from service.ias.aal2 import ChallengeState
from service.ias.identity import VerificationState
from service.store import calls, hosted_pages, identities, sessions, subjects
from service.store.calls import Operation
from service.store.hosted_pages import HostedPage
from service.store.unit import Unit

OPERATIONS = {
    StepKind.IDENTITY_VERIFICATION: Operation.CREATE_IDENTITY_SESSION,
    StepKind.AAL2_CHALLENGE: Operation.CREATE_AAL2_CHALLENGE,
}

log = structlog.get_logger()


async def handle(unit: Unit, context: Context, opened: LinkOpened) -> None:
    """Mint a page while the step is open and was not opened too often."""
    if not await subjects.lock(unit, opened.subject_id):
        log.warning("link_opened.unknown_subject")
        return
    page = HostedPage(opened.open_id, opened.link_id, opened.kind, opened.subject_id, "waiting")
    if not await hosted_pages.open_page(unit, page):
        return
    if not await _is_open(unit, opened):
        await hosted_pages.refused(unit, opened.open_id, Reason.LINK_EXPIRED)
    elif await hosted_pages.openings(unit, opened.link_id) > context.rules.openings_per_hour:
        await hosted_pages.refused(unit, opened.open_id, Reason.TOO_MANY_OPENINGS)
    else:
        operation = OPERATIONS[opened.kind]
        await calls.schedule(unit, operation, opened.subject_id, opened.open_id)


async def _is_open(unit: Unit, opened: LinkOpened) -> bool:
    if opened.kind is StepKind.IDENTITY_VERIFICATION:
        return await _verification_is_open(unit, opened)
    challenge = await sessions.challenge(unit, ChallengeId(opened.link_id))
    return (
        challenge is not None
        and challenge.subject_id == opened.subject_id
        and challenge.state == ChallengeState.PENDING
        and challenge.expires_at > unit.now
    )


async def _verification_is_open(unit: Unit, opened: LinkOpened) -> bool:
    verification_id = VerificationId(opened.link_id)
    verification = await identities.verification(unit, verification_id)
    if verification is None or verification.subject_id != opened.subject_id:
        return False
    details = await identities.details(unit, verification_id)
    pending = verification.state is VerificationState.PENDING
    return pending and details.expires_at > unit.now
