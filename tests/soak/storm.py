"""``python -m tests.soak.storm``: every webhook three times, at full speed: 200 for all, each effect once.

The real ingress and consumers on a real Postgres and the embedded broker; ``--cases`` webhook ids, each
delivered three times, the copies among others. ``storm_load`` sends them from a process of its own,
``storm_judge`` says what has to come of them, ``watched`` how late the ingress's loop was meanwhile.
"""

import asyncio
import hashlib
import hmac
import json
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import asyncpg
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.topics import Topic
from service.bus.subscription import GROUP
from tests.bench import consumers_seed
from tests.soak import apart, storm_judge
from tests.soak.campaign import arguments, told
from tests.soak.standing import Standing
from tests.soak.storm_judge import Heard, Sent
from tests.stack.lifetime import Stack
from tests.stack.signals import Interrupted

TIMES: Final = 3
_CASES: Final = 50_000
_LOAD_SECONDS: Final = 1_200.0
_HANDLED_SECONDS: Final = 600.0
_QUIET_SECONDS: Final = 3.0
_TELL_SECONDS: Final = 10.0


class Storm:
    """One storm over one deployment."""

    def __init__(self, deployment: Standing, owner: asyncpg.Connection) -> None:
        self._deployment, self._owner = deployment, owner
        self._sent: list[Sent] = []

    async def run(self, cases: int, seed: int) -> tuple[int, dict[str, Any]]:
        """How much broke, and the figures."""
        self._sent = await self._prepared(cases)
        load = await self._send(seed)
        statuses = load.pop("statuses")
        print(f"answers by status: {statuses}", flush=True)
        began, ended = float(load.pop("began")), float(load.pop("ended"))
        await self._handled(int(load["answered_200"]))
        handled = time.monotonic() - ended
        heard = await self._heard()
        judged = storm_judge.judge(self._sent, await self._inbox(), heard.told)
        broken = judged.broken + int(load["never_taken"]) + _not_expected(statuses)
        return broken, {
            "ids": len(self._sent),
            **load,
            **judged._asdict(),
            "events_repeated": heard.records - len(heard.ids),
            **self._deployment.lag(began, ended),
            "rss_ingress_mib": self._deployment.peak_mib("ingress"),
            "rss_consumers_mib": self._deployment.peak_mib("consumers"),
            "all_handled_after_s": round(handled, 1),
        }

    async def _prepared(self, cases: int) -> list[Sent]:
        keys = self._deployment.settings.keys["ENCRYPTION_KEYS"]
        count = math.ceil(cases / len(storm_judge.NEWS))
        queries = await consumers_seed.started(self._owner, keys, count)
        sent = storm_judge.webhooks_of(queries)[:cases]
        await asyncio.to_thread(_write, self._bodies, self._deployment.settings.webhook_key, sent)
        return sent

    @property
    def _bodies(self) -> Path:
        return self._deployment.folder / "bodies"

    async def _send(self, seed: int) -> dict[str, Any]:
        port = str(self._deployment.settings.ingress_port)
        command = ("tests.soak.storm_load", port, str(self._bodies), str(TIMES), str(seed))
        telling = asyncio.create_task(self._tell(), name="progress")
        try:
            _, printed = await apart.python(*command, within=_LOAD_SECONDS)
        finally:
            telling.cancel()
        load: dict[str, Any] = json.loads(printed)
        return load

    async def _tell(self) -> None:
        began = time.monotonic()
        while True:
            await asyncio.sleep(_TELL_SECONDS)
            known = await self._owner.fetchval("select count(*) from inbox")
            print(f"{time.monotonic() - began:.0f} s: {known} ids took effect", flush=True)

    async def _handled(self, deliveries: int) -> None:
        """Return when every delivery was read, by the broker's word, and nothing waits to be told."""
        settings = self._deployment.settings
        group, topic = f"{settings.topic_prefix}{GROUP}", f"{settings.topic_prefix}{Topic.WEBHOOKS}"
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
        await admin.start()
        try:
            async with asyncio.timeout(_HANDLED_SECONDS):
                while await _committed(admin, group, topic) < deliveries or await self._waiting():
                    await asyncio.sleep(0.2)
        finally:
            await admin.close()

    async def _waiting(self) -> int:
        waiting = "select (select count(*) from outbox) + (select count(*) from spool)"
        return int(await self._owner.fetchval(waiting))

    async def _heard(self) -> Heard:
        """Everything on the topic of events: read until there is nothing new for some seconds."""
        settings = self._deployment.settings
        topic = f"{settings.topic_prefix}{Topic.EVENTS}"
        async with Heard(settings.bootstrap_servers, topic) as heard:
            records, quiet_since = -1, time.monotonic()
            while time.monotonic() - quiet_since < _QUIET_SECONDS:
                await heard.read()
                if heard.records > records:
                    records, quiet_since = heard.records, time.monotonic()
        return heard

    async def _inbox(self) -> list[tuple[str, bytes]]:
        rows = await self._owner.fetch("select source, message_digest from inbox")
        return [(row["source"], bytes(row["message_digest"])) for row in rows]


async def _committed(admin: AIOKafkaAdminClient, group: str, topic: str) -> int:
    """How many records of webhooks the consumers are done with: the topic was empty before."""
    (described,) = await admin.describe_topics([topic])
    places = [TopicPartition(topic, one["partition"]) for one in described["partitions"]]
    committed = await admin.list_consumer_group_offsets(group, partitions=places)
    return sum(max(0, one.offset) for one in committed.values())


def _not_expected(statuses: dict[str, int]) -> int:
    """Answers that are neither a yes nor a no for want of room: 0 is a connection that broke off."""
    return sum(many for status, many in statuses.items() if status not in {"200", "503"})


def _write(file: Path, key: str, sent: Sequence[Sent]) -> None:
    """Signed bodies, as ``tests.bench.bodies`` reads them."""
    with file.open("wb") as written:
        for one in sent:
            body = json.dumps(one.body, separators=(",", ":")).encode()
            signature = hmac.digest(key.encode(), body, hashlib.sha256).hex()
            written.write(signature.encode() + b" " + body + b"\n")


async def storm(deployment: Standing, cases: int, seed: int) -> tuple[int, dict[str, Any]]:
    """How much broke, and the figures."""
    owner = await asyncpg.connect(deployment.postgres.dsn(deployment.database))
    try:
        return await Storm(deployment, owner).run(cases, seed)
    finally:
        await owner.close()


def main() -> int:
    """The command; its exit code."""
    options = arguments("storm", __doc__, cases=_CASES)
    try:
        with Stack() as stack:
            deployment = Standing(stack, "storm", ("ingress", "consumers"))
            deployment.start()
            broken, figures = asyncio.run(storm(deployment, options.cases, options.seed))
    except Interrupted as error:
        return error.exit_code
    if not broken:
        deployment.remove_logs()
    return told("storm", options.seed, broken, figures)


if __name__ == "__main__":
    sys.exit(main())
