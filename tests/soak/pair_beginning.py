"""How a case begins: two people at the service and at the vendor, each some steps on their way."""

import random
from typing import Final
from uuid import uuid4

from schemas.ids import PatientId, SubjectId
from tests.metriport_sandbox import DEFAULT_FACILITY_ID
from tests.metriport_sandbox.state import Aal2Session, Identity, Patient
from tests.soak.pair_browser import Browser
from tests.soak.pair_people import Place, Player, Scene
from tests.support import people

NAMES: Final = ("ann", "bob")


async def scene_of(place: Place, seed: int) -> Scene:
    """Two people who are linked; some proved who they are before, and some have a session, too."""
    draw = random.Random(seed)
    scene = Scene(place, draw)
    shared = Browser(place.house) if draw.random() < 1 / 6 else None
    patient_id = _patient(place)
    for name in NAMES:
        own = _patient(place) if draw.random() < 1 / 8 else patient_id
        who = SubjectId(f"{name}-{seed}")
        place.truth.patients[who] = own
        player = Player(scene, who, own, shared or Browser(place.house))
        scene.people.append(player)
        await _begin(player, draw.randrange(3))
    return scene


async def _begin(player: Player, stage: int) -> None:
    """0: linked, 1: proved who they are, 2: and answered a challenge, which was confirmed."""
    who, patient_id = player.who, player.patient_id
    async with player.place.house.database.transaction() as unit:
        await people.link(unit, who, patient_id)
        if stage == 0:
            return
        pending = await people.verifying(unit, who, patient_id)
        identity_id = await people.prove(unit, pending, _proved_before(player))
        if stage == 1:
            return
        challenge = await people.challenge(unit, who, patient_id, identity_id)
        await people.come_back(unit, challenge, _answered_before(player))


def _patient(place: Place) -> PatientId:
    patient_id = PatientId(str(uuid4()))
    sandbox = place.house.sandbox
    sandbox.state.patients[patient_id] = Patient(
        id=patient_id,
        e_tag="0" * 32,
        facility_ids=[DEFAULT_FACILITY_ID],
        created=sandbox.now(),
        demographics={"firstName": "Pat", "lastName": "Person", "dob": "1990-01-01"},
    )
    return patient_id


def _proved_before(player: Player) -> str:
    """An identity at the vendor, and the authenticator to it."""
    sandbox = player.place.house.sandbox
    secret, proofed = sandbox.ids.totp_secret(), sandbox.ids.prefixed("pid")
    sandbox.state.identities[proofed] = Identity(
        id=proofed, patient_id=player.patient_id, totp_secret=secret
    )
    player.place.truth.makers[proofed] = player.who
    player.authenticators.append(secret)
    player.identity, player.has_proved = proofed, True
    return proofed


def _answered_before(player: Player) -> str:
    """A session at the vendor, which the application confirmed."""
    sandbox = player.place.house.sandbox
    session = sandbox.ids.prefixed("aal2")
    sandbox.state.aal2_sessions[session] = Aal2Session(
        id=session,
        identity_id=player.identity,
        patient_id=player.patient_id,
        expires=sandbox.now() + sandbox.config.aal2_session_seconds,
    )
    player.place.truth.makers[session] = player.who
    player.scene.seen.append(session)
    player.has_returned = True
    return session
