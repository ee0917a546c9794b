"""A rotated key reaches the ingress and each consumer at its own time; nothing is lost by that (I1, I6)."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from consumers import late_keys
from consumers.context import Context
from consumers.processor import Processor
from consumers.reading import Reader
from consumers.resuming import Resumer
from schemas.topics import Topic
from service.bus.received import Received
from service.crypto.keys import KeyRing
from service.store.pool import Database
from tests.support import people, records
from tests.support.outbox import bodies, told
from tests.support.settings import MAC_KEY, WEBHOOK_KEY

NEW_KEY = "a-key-of-tomorrow"
PEOPLE = 8


@dataclass
class Consumer:
    """One replica with webhook keys of its own."""

    keys: list[str]
    processor: Processor = field(init=False)
    resumer: Resumer = field(init=False)

    async def take(self, *waiting: Received) -> None:
        """Handle records as the subscription hands them over."""
        left = list(waiting)
        while left:
            left = left[await self.processor.handle(left) :]


MakeConsumer = Callable[..., Consumer]


@pytest.fixture
async def consumer(database: Database, context: Context) -> MakeConsumer:
    """Makes replicas as the process wires them; there are people with started queries."""
    for number in range(PEOPLE):
        who = await people.person(database, f"subject-{number}", f"patient-{number}")
        await people.started_query(database, who, f"request-{number}")

    def make(*keys: str) -> Consumer:
        made = Consumer(list(keys))
        reader = Reader(
            context.opener,
            lambda: tuple(key.encode() for key in made.keys),
            KeyRing((MAC_KEY,)),
            keys_may_come=True,
        )
        made.processor = Processor(database, reader, context)
        made.resumer = Resumer(database, reader, context)
        return made

    return make


def _webhook(number: int, key: str = WEBHOOK_KEY, *, seconds_ago: float = 0.0) -> Received:
    body = records.sample("network-query.hie.completed")
    body["meta"] |= {"messageId": str(uuid4()), "requestId": f"request-{number}"}
    body["payload"]["patientId"] = f"patient-{number}"
    raw = records.webhook(body).value
    record = records.webhook(body, signature=records.vendor_signature(raw, key))
    written = int((time.time() - seconds_ago) * 1000)
    return record._replace(key=f"patient-{number}".encode(), timestamp=written)


async def _seen(database: Database) -> set[str]:
    """Patients whose webhook took effect."""
    updates = await bodies(database, "NetworkQuerySourceUpdated")
    return {body["patientId"] for body in updates}


async def _reasons(database: Database) -> list[str]:
    return [letter.body["reason"] for letter in await told(database, Topic.DEAD_LETTERS)]


async def _is_flowing(database: Database) -> bool:
    held = await people.count(database, "held_record")
    return held + await people.count(database, "stopped_type") == 0


async def test_what_the_new_key_signed_waits_for_it_and_takes_effect(
    database: Database, consumer: MakeConsumer
) -> None:
    """I1, I6: for everybody, from the first one on."""
    one = consumer(WEBHOOK_KEY)
    await one.take(*(_webhook(number, NEW_KEY) for number in range(PEOPLE)))
    assert not await one.resumer.round(), "waiting for a key is no reason to hurry"
    assert await people.count(database, "held_record") == PEOPLE
    one.keys.insert(0, NEW_KEY)
    await one.resumer.round()
    assert await _seen(database) == {f"patient-{number}" for number in range(PEOPLE)}
    assert await _reasons(database) == []
    assert await _is_flowing(database)


async def test_replicas_that_have_the_key_and_that_have_not_lose_nothing_between_them(
    database: Database, consumer: MakeConsumer
) -> None:
    early, late = consumer(NEW_KEY, WEBHOOK_KEY), consumer(WEBHOOK_KEY)
    for number in range(PEOPLE):
        key = NEW_KEY if number % 2 else WEBHOOK_KEY
        await (early if number < 4 else late).take(_webhook(number, key))
        await late.resumer.round()
    await early.resumer.round()
    assert await _seen(database) == {f"patient-{number}" for number in range(PEOPLE)}
    assert await _reasons(database) == []
    assert await _is_flowing(database)


async def test_others_of_its_type_do_not_wait_for_one_that_nobody_can_verify(
    database: Database, consumer: MakeConsumer
) -> None:
    one = consumer(WEBHOOK_KEY)
    others = [_webhook(number) for number in (*range(1, PEOPLE), *range(1, PEOPLE))]
    await one.take(_webhook(0, "forged"), *others)
    await one.resumer.round()
    assert await _seen(database) == {f"patient-{number}" for number in range(1, PEOPLE)}
    assert await people.count(database, "held_record") == 1


async def test_forged_ones_are_put_aside_when_no_key_can_come_any_more(
    database: Database, consumer: MakeConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = consumer(WEBHOOK_KEY)
    await one.take(_webhook(0, "forged"), _webhook(1, "forged"))
    assert await _reasons(database) == []
    monkeypatch.setattr(late_keys, "KEY_SECONDS", 0.0)
    await one.resumer.round()
    assert await _reasons(database) == ["not_authentic"] * 2
    assert await _is_flowing(database)


async def test_wrong_keys_keep_everything_however_long_it_takes(
    database: Database, consumer: MakeConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = consumer("another-account's-key")
    await one.take(*(_webhook(number) for number in range(PEOPLE)))
    monkeypatch.setattr(late_keys, "KEY_SECONDS", 0.0)
    await one.resumer.round()
    assert await _reasons(database) == []
    assert await people.count(database, "held_record") == PEOPLE


async def test_an_old_one_is_put_aside_at_once(database: Database, consumer: MakeConsumer) -> None:
    one = consumer(WEBHOOK_KEY)
    for seconds in (late_keys.KEY_SECONDS + 60, -late_keys.KEY_SECONDS - 60):
        await one.take(_webhook(0, "forged", seconds_ago=seconds))
    assert await _reasons(database) == ["not_authentic"] * 2
    assert await _is_flowing(database)
