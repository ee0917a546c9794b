"""Postgres' volume is full: what is answered 200 is kept, the rest is an honest no, and it passes (I1, I6)."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.durability.conftest import Breakable
from tests.durability.load import Load
from tests.local.deployment import Deployment
from tests.stack.broker import EmbeddedBroker
from tests.stack.lifetime import Stack
from tests.stack.ports import free_port
from tests.stack.small_volume import PostgresOnSmallVolume, can_mount

pytestmark = [
    pytest.mark.process,
    pytest.mark.edge,
    pytest.mark.skipif(not can_mount(), reason="a small volume is mounted, which only root may do"),
]

LONGEST_ANSWER = 3.5
"""Seconds, as the README promises."""


class Full(Breakable):
    """A deployment whose database has a volume that can be filled."""

    @property
    def volume(self) -> PostgresOnSmallVolume:
        """The database's."""
        assert isinstance(self.postgres, PostgresOnSmallVolume)
        return self.postgres

    def all_run(self) -> bool:
        """Whether neither Postgres nor any of our processes ended."""
        ours = [one.is_running for name, one in self.deployment.processes.items() if name in ROLES]
        return all(ours) and self.postgres.is_running


ROLES = ("ingress", "consumers", "gateway")


@pytest.fixture(scope="module")
def full() -> Iterator[Full]:
    """One for the module; each test gives the room back."""
    with Stack() as stack:
        postgres, broker = stack.start(PostgresOnSmallVolume()), stack.start(EmbeddedBroker())
        servers = (postgres, broker)
        deployment = Deployment(
            stack, return_port=free_port(), servers=servers, name="durability", more={}
        )
        yield Full(postgres, broker, deployment.start())


async def test_with_kafka_every_webhook_is_taken_and_takes_effect_once_there_is_room(
    full: Full,
) -> None:
    """The consumers wait, and go on by themselves."""
    load = Load(lambda: full.url, full.key, rate=60.0)
    full.volume.fill()
    try:
        await load.run(8)
        assert await asyncio.to_thread(full.is_ready)
        late = await asyncio.to_thread(
            full.without_effect, {one.message_id for one in load.answers}
        )
    finally:
        full.volume.free()
    assert late, "the volume was not full enough to keep anything from its effect"
    assert load.statuses() == {200}
    assert load.slowest() < LONGEST_ANSWER
    await full.all_took_effect({one.message_id for one in load.answers}, 60.0)
    assert full.all_run()


async def test_without_kafka_too_what_cannot_be_kept_is_refused_and_what_was_taken_is_kept(
    full: Full,
) -> None:
    """The spool has no room: 503, which leaves the webhook with Metriport."""
    load = Load(lambda: full.url, full.key, rate=60.0)
    full.volume.fill()
    full.broker.freeze()
    try:
        await load.run(8)
        assert await asyncio.to_thread(full.is_ready)
    finally:
        full.broker.thaw()
        full.volume.free()
    assert load.statuses() <= {200, 503}
    assert 503 in load.statuses(), "the volume was not full enough to keep anything from the spool"
    assert load.slowest() < LONGEST_ANSWER
    kept = {one.message_id for one in load.answers if one.status == 200}
    await full.all_took_effect(kept, 60.0)
    after = Load(lambda: full.url, full.key, rate=30.0)
    await after.run(2)
    assert after.statuses() == {200}
    await full.all_took_effect({one.message_id for one in after.answers}, 60.0)
    assert full.all_run()
