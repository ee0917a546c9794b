"""What people do about one patient's data, each step of them drawn by a case's seed, honest or not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from schemas import commands as c
from schemas.base import Command
from schemas.ids import CommandId, SubjectId
from schemas.sources import PurposeOfUse, SourceSelection
from service.ias.aal2 import ChallengeState
from service.ias.identity import VerificationState
from service.testing import clock
from service.testing.taking import take
from tests.soak.proving import Scene
from tests.testing.cast import BACK


def _send(scene: Scene, who: SubjectId, kind: type[Command], **fields: Any) -> None:
    command_id = CommandId(UUID(int=len(scene.asked) + 1))
    scene.asked[command_id] = who
    take(scene.world, kind(command_id=command_id, subject_id=who, **fields))


def _about(scene: Scene, who: SubjectId, kind: type[Command], **fields: Any) -> None:
    _send(scene, who, kind, patient_id=scene.patients[who], **fields)


def link(scene: Scene, who: SubjectId) -> None:
    """To the patient of this case."""
    _about(scene, who, c.LinkPatient, purpose=PurposeOfUse.IAS)


def verify(scene: Scene, who: SubjectId) -> None:
    """Ask for a verification."""
    _about(scene, who, c.StartIdentityVerification, return_url=BACK)


def _prove(scene: Scene, who: SubjectId) -> None:
    over = {VerificationState.FAILED, VerificationState.REVOKED}
    mine = [one for one in scene.world.subject(who).proofings if one.rule.state not in over]
    if mine:
        scene.prove(who, scene.draw.choice(mine[-2:]))


def _deliver(scene: Scene, who: SubjectId) -> None:
    """Any webhook, the newest ones rather, and as often as it likes."""
    del who
    if scene.sent:
        scene.deliver(scene.draw.choice(scene.sent[-4:]))


def _challenge(scene: Scene, who: SubjectId) -> None:
    _about(scene, who, c.StartAal2Challenge, return_url=BACK)


def _come_back(scene: Scene, who: SubjectId) -> None:
    """For an own challenge, or one whose link leaked."""
    whose = scene.draw.choice((who, who, who, *scene.patients))
    challenges = scene.world.subject(whose).challenges
    pending = [one for one in challenges if one.state is ChallengeState.PENDING]
    if pending:
        scene.come_back(who, scene.draw.choice(pending))


def _confirm(scene: Scene, who: SubjectId) -> None:
    """With a code that this person's browser brought, or that was stolen from another's.

    That a browser in which V is logged in confirms for V, whoever's the challenge was, is the duty of the
    application (THREAT_MODEL.md, "A's link, opened by V"); so nobody has another's code of an own challenge.
    """
    mine = [one.code for one in scene.codes if one.holder == who]
    stolen = [one.code for one in scene.codes if one.owner != who]
    codes = stolen if scene.draw.random() < 1 / 5 else mine
    if codes:
        _send(scene, who, c.ConfirmReturn, code=scene.draw.choice(codes[-3:]))


def _query(scene: Scene, who: SubjectId) -> None:
    if scene.draw.random() < 1 / 4:
        scene.refuse_next()
    sources = scene.draw.choice((SourceSelection(hie=True), SourceSelection(lab=True)))
    _about(scene, who, c.StartNetworkQuery, sources=sources, purpose_of_use=PurposeOfUse.IAS)
    scene.world.refusal = None  # where no call was made, it is not the next one's


def _go_on(scene: Scene, who: SubjectId) -> None:
    """What an honest person does next."""
    subject, patient_id = scene.world.subject(who), scene.patients[who]
    identity = subject.active(patient_id)
    if identity is None:
        for act in (verify, _prove):
            act(scene, who)
        scene.deliver(scene.sent[-1])
    elif not any(scene.world.is_usable(kept) for kept in subject.sessions):
        _challenge(scene, who)
        scene.come_back(who, subject.challenges[-1])
        _send(scene, who, c.ConfirmReturn, code=scene.codes[-1].code)
    else:
        _query(scene, who)


def _revoke(scene: Scene, who: SubjectId) -> None:
    _about(scene, who, c.RevokeIdentity, reason="asked for")


def _wait(scene: Scene, who: SubjectId) -> None:
    del who
    minutes = scene.draw.choice((1, 1, 6, 20, 70, 24 * 60))
    clock.pass_time(scene.world, timedelta(minutes=minutes))


Act = Callable[[Scene, SubjectId], None]
_OFTEN: Final[tuple[tuple[int, Act], ...]] = (
    (2, verify),
    (5, _prove),
    (7, _deliver),
    (4, _challenge),
    (5, _come_back),
    (5, _confirm),
    (6, _query),
    (2, _wait),
    (16, _go_on),
)
_SELDOM: Final[tuple[Act, ...]] = (link, _revoke)
ACTS: Final = (*(act for often, act in _OFTEN for _ in range(often)), *_SELDOM)
