"""``deploy/examples/records_service.py`` beside the double of the service, on a real broker."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from records_service import RecordsService, Settings, Store
from schemas.as_told import encode_event
from schemas.base import Event
from schemas.client import Told, UnknownMessage, decode
from schemas.events import Aal2SessionExpired, UserActionRequired
from schemas.ids import LinkId, SubjectId
from schemas.links import Link
from schemas.sources import Source
from schemas.topics import TOPICS, Topic
from service.testing import IasDouble
from tests.examples.conftest import Neighbour
from tests.stack.processes import Supervised
from tests.testing.cast import BACK, JANE

EXAMPLE = Path(__file__).parents[2] / "deploy/examples/records_service.py"
JANES_ID = SubjectId("user-42")


class WatchedStore(Store):
    """The example's store, which says what it was given."""

    def __init__(self) -> None:
        super().__init__(":memory:")
        self.given: list[Told] = []

    def handle(self, told: Told) -> None:
        super().handle(told)
        self.given.append(told)


@pytest.fixture
def store() -> Iterator[WatchedStore]:
    store = WatchedStore()
    yield store
    store.close()


@asynccontextmanager
async def running(neighbour: Neighbour, store: Store) -> AsyncIterator[RecordsService]:
    """The example, reading; stopped as it stops itself."""
    stop = asyncio.Event()
    async with RecordsService(settings_of(neighbour), store) as service:
        reading = asyncio.create_task(service.run(stop))
        try:
            yield service
        finally:
            stop.set()
            await reading


def newest_link(double: IasDouble) -> LinkId:
    asked = [event for event in double.events() if isinstance(event, UserActionRequired)]
    return asked[-1].link_id


def settings_of(neighbour: Neighbour) -> Settings:
    return Settings(
        bootstrap_servers=neighbour.settings.bootstrap_servers,
        database=":memory:",
        topic_prefix=neighbour.settings.topic_prefix,
        group=f"{neighbour.settings.topic_prefix}records",
    )


async def until(there: Callable[[], bool]) -> None:
    end = time.monotonic() + 15
    while not there():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


@pytest.mark.edge
async def test_the_example_gets_a_persons_records_once_for_an_order_that_is_sent_twice(
    neighbour: Neighbour, store: Store
) -> None:
    double = neighbour.double
    async with running(neighbour, store) as service:
        for _ in range(2):
            await service.request_records("order-1", JANES_ID, JANE, BACK)
            await neighbour.takes_a_command()
        assert len(double.record_requests()) == 1
        await until(lambda: store.link_to_show(JANES_ID) is not None)
        first = store.link_to_show(JANES_ID)
        double.person_proves_identity(JANES_ID)
        await neighbour.publish()
        await until(lambda: store.link_to_show(JANES_ID) not in {None, first})
        await service.confirm_return(JANES_ID, double.person_answers_challenge(JANES_ID))
        await neighbour.takes_a_command()
        for source in Source:
            double.vendor_finishes(JANES_ID, source)
        double.vendor_delivers(JANES_ID)
        await neighbour.publish()
        await until(lambda: store.data_link(JANES_ID) is not None)
        assert store.result(JANES_ID) == "ready"


@pytest.mark.edge
async def test_what_comes_again_does_not_undo_what_came_later(
    neighbour: Neighbour, store: Store
) -> None:
    double = neighbour.double
    async with running(neighbour, store) as service:
        await service.request_records("order-1", JANES_ID, JANE, BACK)
        await neighbour.takes_a_command()
        double.person_proves_identity(JANES_ID)
        challenge = double.link(newest_link(double))
        await neighbour.publish()
        await until(lambda: store.link_to_show(JANES_ID) == challenge.url)
        await neighbour.publish(again=True)
        double.time_passes(timedelta(days=3))
        await neighbour.publish()
        await until(lambda: store.result(JANES_ID) == "expired")
        assert store.link_to_show(JANES_ID) == challenge.url


@pytest.mark.edge
async def test_offsets_are_committed_behind_the_last_record_that_was_handled(
    neighbour: Neighbour, store: WatchedStore
) -> None:
    """A second join of one group takes the local broker 18 s: so no restart, but what it would read."""
    async with running(neighbour, store) as service:
        await service.request_records("order-1", JANES_ID, JANE, BACK)
        await neighbour.takes_a_command()
        messages = [told.message for told in neighbour.double.told]
        told = [message for message in messages if isinstance(message, Event | Link)]
        await until(lambda: len(store.given) == len(told))
    assert store.link_to_show(JANES_ID) is not None
    assert await committed(neighbour) == len(told)


async def committed(neighbour: Neighbour) -> int:
    """The sum of the group's offsets, which begin at 0 in every partition."""
    settings = settings_of(neighbour)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers, group_id=settings.group
    )
    async with consumer:
        places = [
            TopicPartition(f"{settings.topic_prefix}{topic}", number)
            for topic in (Topic.EVENTS, Topic.LINKS)
            for number in range(TOPICS[topic].partitions)
        ]
        consumer.assign(places)
        return sum([await consumer.committed(place) or 0 for place in places])


def test_a_message_of_a_later_version_keeps_its_place(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    later = UnknownMessage(
        id="1", type="ias.event.Later", time=None, traceparent=None, subject_id=JANES_ID, sequence=1
    )
    store.handle(later)
    following = Aal2SessionExpired(sequence=2, subject_id=JANES_ID)
    record = encode_event(following, event_id=uuid4(), time=datetime.now(UTC))
    store.handle(decode(record["headers"], record["value"]))
    assert "missed" not in caplog.text
    skipping = msgspec.structs.replace(following, sequence=4)
    record = encode_event(skipping, event_id=uuid4(), time=datetime.now(UTC))
    store.handle(decode(record["headers"], record["value"]))
    assert "missed" in caplog.text


def test_every_setting_that_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match="KAFKA_BOOTSTRAP_SERVERS, DATABASE"):
        Settings.read({})


@pytest.mark.edge
async def test_it_stops_cleanly_when_it_is_told_to(neighbour: Neighbour, tmp_path: Path) -> None:
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": neighbour.settings.bootstrap_servers,
        "KAFKA_TOPIC_PREFIX": neighbour.settings.topic_prefix,
        "KAFKA_GROUP": f"{neighbour.settings.topic_prefix}records",
        "DATABASE": str(tmp_path / "records.db"),
    }
    command = [sys.executable, str(EXAMPLE)]
    log = tmp_path / "example.log"
    process = Supervised("example", command, env=environment, log_path=log, cwd=EXAMPLE.parents[2])
    process.start()
    await until(lambda: "reading" in log.read_text())
    assert await asyncio.to_thread(process.terminate, 15.0) == 0
    assert "Error" not in log.read_text()
