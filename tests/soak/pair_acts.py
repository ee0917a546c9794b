"""What two people do, at the same moment: the steps of an honest person, and what may go wrong."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from schemas import commands as c
from schemas.events import StepKind
from schemas.reasons import Reason
from schemas.sources import PurposeOfUse, SourceSelection
from service.store import identities, sessions
from tests.metriport_sandbox.sender import WebhookRow
from tests.metriport_sandbox.state import Identity
from tests.soak.pair_people import Player, Scene
from tests.soak.pair_truth import QUERY
from tests.soak.pair_webhooks import spoilt
from tests.support import records
from tests.support.settings import RETURN_URL

SOURCES: Final = (SourceSelection(lab=True), SourceSelection(pharmacy=True))
"""Not HIE: of one patient only one runs at a time, which is no matter of who may."""


async def verify(player: Player) -> None:
    """Ask for a verification, and go through with it."""
    url = await player.page_of(await player.ask(c.StartIdentityVerification, return_url=RETURN_URL))
    if url is not None:
        secret = await player.browser.prove(url)
        identity = _identity_of(player, secret)
        player.place.truth.makers[identity.id] = player.who
        player.authenticators.append(secret)
        player.awaited = len(player.told("IdentityVerified")) + 1
        player.has_proved = True


def _identity_of(player: Player, secret: str) -> Identity:
    """What the vendor made of the proof: the authenticator is this person's alone."""
    made = reversed(player.place.house.sandbox.state.identities.values())
    return next(one for one in made if one.totp_secret == secret)


async def challenge(player: Player) -> None:
    """Ask for a challenge, answer it, and come back."""
    url = await player.page_of(await player.ask(c.StartAal2Challenge, return_url=RETURN_URL))
    session = None if url is None else await player.browser.answer(url, player.authenticators)
    if session is not None:
        player.place.truth.makers[session] = player.who
        code = await player.browser.come_back(player.who, session)
        if code is not None:
            player.scene.codes.append(code)
            player.scene.seen.append(session)
            player.has_returned = True


async def present_again(player: Player) -> None:
    """A session that was presented before, brought for a challenge of one's own."""
    url = await player.page_of(await player.ask(c.StartAal2Challenge, return_url=RETURN_URL))
    opened = [one for one in player.browser.cookie.opened if one.step.subject_id == player.who]
    mine = [one for one in opened if one.step.kind is StepKind.AAL2_CHALLENGE]
    known = [one for one in player.scene.seen if await _is_known(player, one)]
    if url is not None and mine and known:
        session = player.draw.choice(known)
        player.scene.codes.append(await player.browser.present(player.who, mine[-1], session))


async def _is_known(player: Player, session: str) -> bool:
    """Whether it was received: of one that nobody brought yet nobody here can tell whose it is."""
    async with player.place.house.database.transaction() as unit:
        return await sessions.by_secret(unit, session) is not None


async def confirm(player: Player) -> None:
    """The newest code that this person brought."""
    mine = [one.code for one in player.scene.codes if one.holder == player.who]
    if mine:
        await player.send(c.ConfirmReturn, code=mine[-1])


async def steal(player: Player) -> None:
    """Confirm with a code from a challenge of the other's (as in ``tests.soak.people``)."""
    stolen = [one.code for one in player.scene.codes if one.owner != player.who]
    if stolen:
        await player.send(c.ConfirmReturn, code=player.draw.choice(stolen[-3:]))


async def query(player: Player) -> None:
    """Start a network query; now and then the answer to its call is lost, or is a no."""
    if player.draw.random() < 1 / 40:
        kind = player.draw.choice(({"kind": "drop-answer"}, {"kind": "status", "status": 403}))
        player.place.house.sandbox.scripts.add_fault({"operation": QUERY, **kind})
    sources = player.draw.choice(SOURCES)
    answer = await player.ask(c.StartNetworkQuery, sources=sources, purpose_of_use=PurposeOfUse.IAS)
    if answer.kind == "NetworkQueryQueued":
        player.queries += 1
    elif answer.body.get("reason") == Reason.NO_ACTIVE_IDENTITY:
        player.has_proved = False
    else:
        player.has_returned = False


async def deliver(player: Player) -> None:
    """A webhook about the patient, the newest ones rather; as it is, sent again, or spoilt."""
    rows = player.place.mail.of(player.patient_id)
    if not rows:
        return
    bound = [one for one in rows if await _is_bound(player, one)]
    body = spoilt(player.draw, player.draw.choice(rows[-4:]), bound)
    await player.place.house.take(records.webhook(body), player.patient_id)


async def _is_bound(player: Player, row: WebhookRow) -> bool:
    """Whether the identity that it tells of is somebody's here.

    An identity that is nobody's yet is whosesoever the vendor says: that word is all that there is.
    """
    proofed = row.fields["payload"].get("proofedIdentityId")
    async with player.place.house.database.transaction() as unit:
        return proofed is not None and await identities.holder(unit, proofed) is not None


async def deliver_all(player: Player) -> None:
    """Those that were not delivered yet come, sooner or later."""
    for row in player.place.mail.of(player.patient_id)[-4:]:
        await player.place.house.take(records.webhook(row.body()), player.patient_id)


async def revoke(player: Player) -> None:
    """Everything of one's own."""
    await player.send(c.RevokeIdentity, patient_id=player.patient_id, reason="asked for")
    player.has_proved = player.has_returned = False


async def go_on(player: Player) -> None:
    """What an honest person does next."""
    if not player.has_proved:
        await verify(player)
    elif len(player.told("IdentityVerified")) < player.awaited:
        await deliver_all(player)
    elif not player.has_returned:
        await challenge(player)
    else:
        await confirm(player)
        await query(player)


Act = Callable[[Player], Awaitable[None]]
_OFTEN: Final[tuple[tuple[int, Act], ...]] = (
    (24, go_on),
    (4, deliver),
    (2, confirm),
    (2, steal),
    (1, query),
    (1, challenge),
    (1, present_again),
    (1, verify),
)
ACTS: Final = (*(act for often, act in _OFTEN for _ in range(often)), revoke)
STEPS: Final = 12


async def play(scene: Scene) -> None:
    """Both act at the same moment, step by step, until each has asked for something; then maybe both do."""
    for _ in range(STEPS):
        acts = [(scene.draw.choice(ACTS), player) for player in scene.people]
        await asyncio.gather(*(act(player) for act, player in acts))
        if all(player.queries for player in scene.people):
            break
    if scene.draw.random() < 1 / 3:
        await asyncio.gather(*(query(player) for player in scene.people))
