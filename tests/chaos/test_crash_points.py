"""Every named crash point is really reached, and what was promised before it is kept after it."""

import asyncio
import hashlib
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping

import pytest
from aiohttp import ClientError

from tests.chaos.desk import Desk
from tests.chaos.flow import somebody
from tests.chaos.points import POINTS, Point
from tests.chaos.probe import Probe, open_session
from tests.local.deployment import ROLES, Deployment
from tests.stack.broker import Broker, broker_from_environment
from tests.stack.lifetime import Stack
from tests.stack.ports import free_port
from tests.stack.postgres import EmbeddedPostgres
from tests.stack.processes import Supervised

pytestmark = [pytest.mark.process, pytest.mark.edge, pytest.mark.kafka, pytest.mark.chaos]

KILLED = -9
REACHED_SECONDS = 60.0
AGAIN_SECONDS = 5.0


class Crashable(Deployment):
    """A deployment whose roles can be set up to end at a named point."""

    frozen: Broker
    """Its own broker, to be frozen."""

    promised: set[str]
    """Webhooks that were answered 200."""

    def start_role(self, role: str, more: Mapping[str, str] | None = None) -> Supervised:
        """With ``CRASH_POINT`` the product is started with that point around it."""
        if "CRASH_POINT" not in (more or {}):
            return super().start_role(role, more)
        command = [sys.executable, "-m", "tests.chaos.crashing", role]
        return self._run(role, command, self.environment(role) | dict(more or {}))


@pytest.fixture(scope="module")
def crashable(postgres: EmbeddedPostgres) -> Iterator[Crashable]:
    """One deployment for all points, on a broker of its own: it is frozen to reach the spool."""
    with Stack() as stack:
        broker = stack.start(broker_from_environment())
        if not broker.is_ours:
            pytest.skip("the broker is not ours to freeze")
        deployment = Crashable(
            stack,
            return_port=free_port(),
            servers=(postgres, broker),
            name="crashes",
            sandbox_options=["--patient-limit", "1000", "--limit", "write-patient=1000"],
            more={"PACING_PATIENT_WRITES": "1000"},
        )
        deployment.frozen, deployment.promised = broker, set()
        deployment.start()
        yield deployment


@pytest.fixture
async def desk(crashable: Crashable) -> AsyncIterator[Desk]:
    """The application."""
    settings = crashable.settings
    async with Desk(
        settings.bootstrap_servers, settings.topic_prefix, settings.return_url
    ) as opened:
        yield opened


async def post(crashable: Crashable) -> set[str]:
    """A webhook, and its id if it was answered 200."""
    probe = Probe(crashable.settings.public_url, crashable.settings.webhook_key)
    async with open_session() as session:
        answer = await probe.post(session, str(uuid.uuid4()))
    return {answer.message_id} if answer.status == 200 else set()


async def register(desk: Desk) -> str:
    """A command that leads to a call and an event; its subject."""
    subject = f"crash-{uuid.uuid4()}"
    await desk.send(subject, "RegisterPatient", purpose="ias", demographics=somebody())
    return subject


async def link_of(desk: Desk) -> str:
    """A link that somebody may open."""
    subject = await register(desk)
    told = await desk.told(subject, {"PatientRegistered"}, within=40.0)
    back = {"patientId": told["patientId"], "returnUrl": desk.return_url}
    command = await desk.send(subject, "StartIdentityVerification", **back)
    asked = await desk.told(subject, {"UserActionRequired"}, within=40.0, commandId=command)
    return str((await desk.link(subject, asked["linkId"], within=40.0))["url"])


async def cause(crashable: Crashable, desk: Desk, point: Point, link: str) -> set[str]:
    """Do what brings the role to the point; webhooks that were answered 200."""
    if point.effect == "callback-publish":
        async with open_session() as session:
            try:
                await session.post(link)
            except (ClientError, TimeoutError):
                await asyncio.sleep(0.1)
        return set()
    if point.role in {"ingress", "consumers"}:
        promised = await post(crashable)
        if point.role == "consumers":
            await register(desk)
            await desk.send(
                f"crash-{uuid.uuid4()}", "RegisterPatient", purpose="for fun"
            )  # refused
        return promised
    await register(desk)
    return set()


async def prepare(crashable: Crashable, point: Point) -> None:
    """Everything but the role of the point runs; the spool holds something where that is needed."""
    others = [role for role in ROLES if role != point.role]
    for role in others:
        if not crashable.processes[role].is_running:
            crashable.start_role(role)
    for role in others:
        await asyncio.to_thread(crashable.wait_ready, role)
    if crashable.processes[point.role].is_running:
        crashable.processes[point.role].kill()
    if point.role == "consumers" and point.needs_spool:
        crashable.frozen.freeze()
        promised = await post(crashable)
        crashable.frozen.thaw()
        assert promised, "the spool did not take it"
        crashable.promised |= promised


async def ends(crashable: Crashable, desk: Desk, point: Point, link: str) -> int | None:
    """The exit code; what leads to the point is done again meanwhile, as the first may be late."""
    end = time.monotonic() + REACHED_SECONDS
    while time.monotonic() < end:
        crashable.promised |= await cause(crashable, desk, point, link)
        look_until = time.monotonic() + AGAIN_SECONDS
        while time.monotonic() < look_until:
            if (code := crashable.processes[point.role].exit_code) is not None:
                return code
            await asyncio.sleep(0.05)
    return None


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
async def test_every_point_is_reached(crashable: Crashable, desk: Desk, point: Point) -> None:
    """The process ended there, by SIGKILL, and nowhere else."""
    link = await prepared_link(crashable, desk, point)
    crashable.start_role(point.role, {"CRASH_POINT": point.name})
    await asyncio.to_thread(listening, crashable, point)
    if point.role == "ingress" and point.needs_spool:
        crashable.frozen.freeze()
    try:
        assert await ends(crashable, desk, point, link) == KILLED
    finally:
        crashable.frozen.thaw()
    said = crashable.processes[point.role].log_tail(400)
    assert f"crash point reached: {point.name}" in said


async def prepared_link(crashable: Crashable, desk: Desk, point: Point) -> str:
    """Have everything else run; a link to open, where that is what leads to the point."""
    await prepare(crashable, point)
    return await link_of(desk) if point.effect == "callback-publish" else ""


def listening(crashable: Crashable, point: Point) -> None:
    """Wait until an ingress listens; the others come to their work by themselves."""
    if point.role == "ingress":
        crashable.wait_ready("ingress")


async def test_what_was_answered_200_around_the_crashes_has_its_effect(
    crashable: Crashable,
) -> None:
    """I6: wherever a process ended, the inbox knows the webhook in the end."""
    for role in ROLES:
        if not crashable.processes[role].is_running:
            crashable.start_role(role)
    known = "select encode(message_digest, 'hex') from inbox where source = 'metriport'"
    wanted = {hashlib.sha256(one.encode()).hexdigest() for one in crashable.promised}
    end = time.monotonic() + 60.0
    while not wanted <= set(crashable.postgres.execute(known, database="crashes").split()):
        assert time.monotonic() < end, "a webhook that was answered 200 has no effect"
        await asyncio.sleep(0.5)
