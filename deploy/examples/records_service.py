"""A service that asks for a person's records and learns what came of it: an example to copy.

    KAFKA_BOOTSTRAP_SERVERS=localhost:9092 DATABASE=records.db python records_service.py

It needs ``aiokafka`` and the package ``schemas``. SQLite stands for your database, and your clients need
what your brokers demand (TLS, SASL). What to keep:

- An effect and the fact that its event was handled are written in one transaction, and offsets are
  committed after it: what Kafka delivers again changes nothing, and nothing is lost.
- A command's id is made from your own order's: however often it is sent, it acts once.
- A message that a later version of the contract added is passed over, and keeps its place in the order.
- Links open a person's pages and records. Show one to that person alone, and log none.
"""

import asyncio
import logging
import os
import signal
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID, uuid5

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import CommitFailedError

from schemas.base import Command, Event
from schemas.client import Received, RecordError, Told, UnknownMessage, decode, encode_command
from schemas.commands import ConfirmReturn, RequestRecords
from schemas.demographics import Demographics
from schemas.events import CommandRejected, RecordRequestFinished, SubjectErased, UserActionRequired
from schemas.ids import CommandId, SubjectId
from schemas.links import Link
from schemas.seen import Place, Sight, place, sight
from schemas.sources import SourceSelection
from schemas.topics import Topic

ORDERS: Final = UUID("5b0f5c1e-3f0a-4e55-9d0e-6a8f2c1b7d90")
"""Make one of your own: the ids of your commands are derived from it."""

log = logging.getLogger("records_service")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the environment says."""

    bootstrap_servers: str
    database: str
    topic_prefix: str = ""
    group: str = "records-service"

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """The settings.

        Raises:
            ValueError: some are missing; all of them are named.
        """
        required = ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE")
        missing = [name for name in required if not environment.get(name)]
        if missing:
            raise ValueError(f"missing: {', '.join(missing)}")
        return cls(
            bootstrap_servers=environment["KAFKA_BOOTSTRAP_SERVERS"],
            database=environment["DATABASE"],
            topic_prefix=environment.get("KAFKA_TOPIC_PREFIX", cls.topic_prefix),
            group=environment.get("KAFKA_GROUP", cls.group),
        )


class Store:
    """What is known of each subject, and which of its events were handled."""

    def __init__(self, path: str) -> None:
        self._database = sqlite3.connect(path)
        self._database.executescript("""
            create table if not exists handled (subject text primary key, sequence integer);
            create table if not exists link (id text primary key, subject text, url text);
            create table if not exists asked (subject text primary key, link text);
            create table if not exists result (subject text primary key, result text, link text);
        """)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def link_to_show(self, subject_id: SubjectId) -> str | None:
        """Where the person has to go next. You have checked that it is they who are logged in."""
        return self._one(
            "select url from link join asked on link.id = asked.link where asked.subject = ?",
            subject_id,
        )

    def result(self, subject_id: SubjectId) -> str | None:
        """How the subject's request ended, once it has."""
        return self._one("select result from result where subject = ?", subject_id)

    def data_link(self, subject_id: SubjectId) -> str | None:
        """Where the record is, for the minutes that the link lives."""
        return self._one(
            "select url from link join result on link.id = result.link where result.subject = ?",
            subject_id,
        )

    def handle(self, told: Told) -> None:
        """Take effect, once, in one transaction."""
        with self._database:
            match told:
                case Received(message=Link() as link):
                    row = (str(link.link_id), link.subject_id, link.url)
                    self._write("insert or ignore into link values (?, ?, ?)", *row)
                case Received(message=Event() as event):
                    if self._is_new(place(told)):
                        self._apply(event)
                case UnknownMessage(type=name):
                    self._is_new(place(told))
                    log.info("passed over a message of type %s", name)
                case _:
                    pass  # the topic of states is not subscribed to here

    def _is_new(self, at: Place) -> bool:
        """Whether the event was not handled before; from here on it was."""
        query = "select sequence from handled where subject = ?"
        last: int | None = (self._database.execute(query, [at.subject_id]).fetchone() or [None])[0]
        seen = sight(last, at)
        if seen is Sight.GAP:
            log.warning("events were missed: number %s follows %s", at.sequence, last)
        if at.sequence and seen is not Sight.REPEAT:
            row = (at.subject_id, at.sequence)
            self._write("insert or replace into handled values (?, ?)", *row)
        return seen is not Sight.REPEAT

    def _apply(self, event: Event) -> None:
        who = event.subject_id
        match event:
            case UserActionRequired(link_id=link_id):
                self._write("insert or replace into asked values (?, ?)", who, str(link_id))
            case RecordRequestFinished(result=result, link_id=link_id):
                row = (who, result, None if link_id is None else str(link_id))
                self._write("insert or replace into result values (?, ?, ?)", *row)
            case CommandRejected(reason=reason, field=field):
                log.warning("a command was rejected: %s, field %s", reason, field)
            case SubjectErased():
                self._write("delete from link where subject = ?", who)
                self._write("delete from asked where subject = ?", who)
                self._write("delete from result where subject = ?", who)
            case _:
                pass

    def _write(self, statement: str, *values: object) -> None:
        self._database.execute(statement, values)

    def _one(self, statement: str, subject_id: SubjectId) -> str | None:
        row = self._database.execute(statement, [subject_id]).fetchone()
        return None if row is None else str(row[0])


class RecordsService:
    """Sends commands and reads what is told. Use as an async context manager."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._prefix = settings.topic_prefix
        self._store = store
        self._producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers, acks="all")
        self._consumer = AIOKafkaConsumer(
            *(f"{self._prefix}{topic}" for topic in (Topic.EVENTS, Topic.LINKS)),
            bootstrap_servers=settings.bootstrap_servers,
            group_id=settings.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opened:
            await opened.enter_async_context(self._producer)
            await opened.enter_async_context(self._consumer)
            self._opened = opened.pop_all()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._opened.aclose()

    async def request_records(
        self, order: str, subject_id: SubjectId, person: Demographics, return_url: str
    ) -> None:
        """Ask for everything there is about a person; the same order again is the same command."""
        command = RequestRecords(
            command_id=CommandId(uuid5(ORDERS, order)),
            subject_id=subject_id,
            sources=SourceSelection(hie=True, pharmacy=True, lab=True),
            return_url=return_url,
            demographics=person,
        )
        await self._send(command)

    async def confirm_return(self, subject_id: SubjectId, code: str) -> None:
        """Whoever is logged in *is* this subject, and came back to the return URL with this code."""
        command_id = CommandId(uuid5(ORDERS, code))
        await self._send(ConfirmReturn(command_id=command_id, subject_id=subject_id, code=code))

    async def run(self, stop: asyncio.Event) -> None:
        """Read until told to stop. What cannot be written ends it: a restart begins with it again."""
        while not stop.is_set():
            batches = await self._consumer.getmany(timeout_ms=200, max_records=100)
            for records in batches.values():
                for record in records:
                    self._handle(record)
            if batches:
                await self._commit()

    def _handle(self, record: "ConsumerRecord[bytes, bytes]") -> None:
        try:
            self._store.handle(decode(record.headers, record.value))
        except RecordError as error:  # it stays unreadable: it must not hold up the others
            log.error("%s/%d/%d: %s", record.topic, record.partition, record.offset, error)  # noqa: TRY400 - its trace tells nothing

    async def _commit(self) -> None:
        try:
            await self._consumer.commit()
        except CommitFailedError:
            log.warning("partitions were moved to another member, which reads these records again")

    async def _send(self, command: Command) -> None:
        await self._producer.send_and_wait(
            **encode_command(command, source="/records-service", prefix=self._prefix)
        )


async def main(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, and leave nothing half done."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with closing(Store(settings.database)) as store:
        async with RecordsService(settings, store) as service:
            log.info("reading")
            await service.run(stop)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    try:
        found = Settings.read(os.environ)
    except ValueError as error:
        sys.exit(f"records_service: {error}")
    asyncio.run(main(found))
