"""The application of a run: sends commands until Kafka has them, reads what it is told, serves its page.

It survives what is broken around it. A command that was not acknowledged is sent again under its id; the
reader goes on where it was. Each subject has a box, so that waiting costs the same after hours as at first.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Self

from aiohttp import web
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from tests.chaos.box import Box, Fields
from tests.local.page import returned_page

_SEND_SECONDS: Final = 5.0
_AGAIN_SECONDS: Final = 0.5
_STOP_SECONDS: Final = 3.0
_SILENT_SECONDS: Final = 15.0
"""Without a record for so long the reader connects again: aiokafka's may be stuck and say nothing."""


@dataclass
class Desk:
    """Use as an async context manager. ``sent`` is every command that Kafka acknowledged."""

    servers: str
    prefix: str
    return_url: str
    sent: list[Fields] = field(default_factory=list)
    told_at: list[float] = field(default_factory=list)
    boxes: dict[str, Box] = field(default_factory=dict)
    _of_link: dict[str, str] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        self._producer: AIOKafkaProducer | None = None
        self._lock = asyncio.Lock()
        self._positions: dict[TopicPartition, int] = {}
        self._reading = asyncio.create_task(self._read(), name="desk")
        app = web.Application()
        app.router.add_get("/return", self._back)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        port = int(self.return_url.split(":")[2].split("/")[0])
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        await self._runner.cleanup()
        await self._drop_producer(self._producer)

    def box(self, subject_id: str) -> Box:
        """The subject's box, made when it is first asked for."""
        return self.boxes.setdefault(subject_id, Box())

    def close_box(self, subject_id: str) -> None:
        """Nobody waits for this subject any more."""
        self.boxes.pop(subject_id, None)

    async def send(self, subject_id: str, command: str, *, times: int = 1, **content: Any) -> str:
        """Send a command, each time until it is acknowledged; its id."""
        self.box(subject_id)  # before anything can be told
        command_id = str(uuid.uuid4())
        body = {"commandId": command_id, "subjectId": subject_id, **content}
        for number in range(times):
            await self._until_acknowledged(command, body)
            if number == 0:
                self.sent.append(
                    {
                        "type": command,
                        "commandId": command_id,
                        "subjectId": subject_id,
                        "at": datetime.now(UTC).isoformat(),
                        "content": body,
                    }
                )
        return command_id

    async def send_raw(
        self, topic: str, value: bytes, key: bytes | None, headers: list[tuple[str, bytes]]
    ) -> None:
        """Send any record, until it is acknowledged."""
        while True:
            producer = None
            try:
                producer = await self._connected()
                async with asyncio.timeout(_SEND_SECONDS):
                    await producer.send_and_wait(self.prefix + topic, value, key, headers=headers)
            except (KafkaError, TimeoutError, OSError):
                await self._drop_producer(producer)
                await asyncio.sleep(0.3)
            else:
                return

    async def told(
        self,
        subject_id: str,
        kinds: Collection[str],
        *,
        within: float,
        but: Collection[str] = (),
        **fields: Any,
    ) -> Fields:
        """Wait for the first event of these types with these fields; its content, with ``_type``.

        ``but``: links whose events are old news.
        """

        def find() -> Fields | None:
            for kind, content in box.events.values():
                if kind not in kinds or content.get("linkId") in but:
                    continue
                if all(content.get(one) == fields[one] for one in fields):
                    return {**content, "_type": kind}
            return None

        if self._reading.done():
            raise RuntimeError("the reader of events ended")  # nothing could be said of the service
        box = self.box(subject_id)
        return await box.until(find, within, f"{subject_id}: no {sorted(kinds)} {fields}")

    async def link(self, subject_id: str, link_id: str, *, within: float) -> Fields:
        """Wait for the link that an event named."""
        box = self.box(subject_id)
        self._of_link[link_id] = subject_id
        return await box.until(lambda: box.links.get(link_id), within, f"{subject_id}: no link")

    async def returned(self, subject_id: str, link_id: str, *, within: float) -> Fields:
        """Wait until the browser came back from the link."""
        box = self.box(subject_id)
        return await box.until(lambda: box.returns.get(link_id), within, f"{subject_id}: no return")

    async def _until_acknowledged(self, command: str, body: Fields) -> None:
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", str(uuid.uuid4()).encode()),
            ("ce_type", f"ias.command.{command}".encode()),
            ("ce_source", b"/chaos"),
            ("ce_time", datetime.now(UTC).isoformat().encode()),
            ("content-type", b"application/json"),
        ]
        key = str(body["subjectId"]).encode()
        await self.send_raw("ias.commands.v1", json.dumps(body).encode(), key, headers)

    async def _connected(self) -> AIOKafkaProducer:
        async with self._lock:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self.servers, acks="all", request_timeout_ms=4_000
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def _drop_producer(self, failed: AIOKafkaProducer | None) -> None:
        """Drop the one that failed; many senders fail together, and the next one must not go with it."""
        producer = self._producer
        if producer is not None and producer is failed:
            self._producer = None
            with suppress(KafkaError, TimeoutError, OSError):
                async with asyncio.timeout(3.0):
                    await producer.stop()

    async def _read(self) -> None:
        while True:
            try:
                await self._read_while_told()
            except (KafkaError, OSError, TimeoutError):
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _read_while_told(self) -> None:
        """Read from where we were, until nothing comes for a while or the connection is lost."""
        consumer = self._reader()
        try:
            await consumer.start()
            for partition in consumer.assignment():
                consumer.seek(partition, self._positions.get(partition, 0))
            heard = time.monotonic()
            while time.monotonic() < heard + _SILENT_SECONDS:
                for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                    self._positions[partition] = records[-1].offset + 1
                    heard = time.monotonic()
                    for record in records:
                        self._take(record)
        finally:
            # In a task of its own: stopping after a lost cluster can raise CancelledError into its caller.
            stopping = asyncio.create_task(consumer.stop(), name="desk-stop")
            await asyncio.wait([stopping], timeout=_STOP_SECONDS)
            stopping.cancel()
            await asyncio.gather(stopping, return_exceptions=True)

    def _reader(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            *(f"{self.prefix}ias.{name}.v1" for name in ("events", "links")),
            bootstrap_servers=self.servers,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=50,
            request_timeout_ms=10_000,
        )

    def _take(self, record: Any) -> None:
        headers = {name: value.decode() for name, value in record.headers}
        content = json.loads(record.value)
        self.told_at.append(time.monotonic())
        box = self.boxes.get(content.get("subjectId", ""))
        if box is None:
            return
        if headers["ce_type"] == "ias.link.Issued":
            box.links[content["linkId"]] = content
        else:
            kind = headers["ce_type"].removeprefix("ias.event.")
            box.events.setdefault(headers["ce_id"], (kind, content))
        box.note()

    async def _back(self, request: web.Request) -> web.Response:
        back = dict(request.query)
        box = self.boxes.get(self._of_link.get(back.get("reference", ""), ""))
        if box is not None:
            box.returns[back["reference"]] = back
            box.note()
        page = returned_page(dict(request.query), None, None)
        return web.Response(text=page, content_type="text/html")
