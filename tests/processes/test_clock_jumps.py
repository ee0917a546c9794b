"""The clock of a running process jumps: sessions, lifetimes and pace are the database's (I2, I4, I8).

The file that ``libfaketime`` reads makes the clock of those that load it jump while they run. The ingress is
not among them: it takes the time of a return from its own clock, and the database's clock caps it.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.local.journey import settle
from tests.processes.scene import Scene
from tests.stack import wrong_clock

FAKED = ("consumers", "gateway")
SWEPT_SECONDS = 6.0
"""The sweeper looks every five."""

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not wrong_clock.LIBRARIES, reason=wrong_clock.MISSING),
]


class Clock:
    """The wall clock of the faked processes."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.set(0)

    def set(self, seconds: int) -> None:
        """Jump: so far from the right time."""
        self.file.write_text(f"{seconds:+d}\n")

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process follow it."""
        followed = {"FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1"}
        return wrong_clock.loaded() | followed


@pytest.fixture
async def clock(scene: Scene, tmp_path: Path) -> AsyncIterator[Clock]:
    """Consumers and gateway run with a clock that a test sets; afterwards with the right one again."""
    clock = Clock(tmp_path / "clock")
    async with AsyncExitStack() as stack:
        for role in FAKED:
            await stack.enter_async_context(scene.restarted(role, clock.environment))
        yield clock


@pytest.mark.parametrize("jump", [2 * 3600, -600], ids=["two hours on", "ten minutes back"])
async def test_what_lives_lives_on_and_what_is_paced_is_paced_by_the_database(
    scene: Scene, clock: Clock, jump: int
) -> None:
    """A session of a quarter of an hour, and a challenge of an hour that nobody has answered."""
    member = await (await scene.member("jumper")).ready()
    other = await (await scene.member("waiting")).proofed()
    await other.send(
        "StartAal2Challenge", patientId=other.patient_id, returnUrl=scene.application.return_url
    )
    await settle()
    clock.set(jump)
    await asyncio.sleep(SWEPT_SECONDS)
    await member.query(member.patient_id)
    assert abs(_ahead(scene) - timedelta(seconds=jump)) < timedelta(minutes=2)
    clock.set(0)
    await asyncio.sleep(SWEPT_SECONDS)
    await member.query(member.patient_id)
    assert scene.count("aal2_session", member, state="proven") == 1
    assert scene.count("aal2_challenge", other, state="pending") == 1
    assert not any("Expired" in name for name in member.names() + other.names())
    assert len(await scene.vendor.calls("start-network-query", member.patient_id)) == 2
    latest = "select max(usable_at) <= clock_timestamp() + interval '3 minutes' from pacing_slot"
    assert scene.sql(latest) == "t"


def _ahead(scene: Scene) -> timedelta:
    """How far ahead the gateway's clock is, by the last line that it logged."""
    log = (scene.deployment.folder / "gateway.log").read_text()
    said = re.findall(r"^(\d{4}-\d\d-\d\dT[\d:.]+)Z", log, re.MULTILINE)
    return datetime.fromisoformat(said[-1]).replace(tzinfo=UTC) - datetime.now(UTC)
