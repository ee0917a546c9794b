"""A dead letter as the consumers write one, for tests of what is done with it."""

import base64
import json
import uuid
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer

from service.crypto.sealing import Sealer, place
from tests.local.settings import LocalSettings

LETTERS, COMMANDS = "ias.dead-letters.v1", "ias.commands.v1"


async def forge_letter(settings: LocalSettings, value: bytes, partition: int, offset: int) -> str:
    """What the consumers write when a handler failed: a letter about the command at this place; its id."""
    letter_id = str(uuid.uuid4())
    sealer = Sealer(base64.b64decode(settings.keys["SEALING_PUBLIC_KEY"]))
    sealed = sealer.seal(value, place(LETTERS, COMMANDS, letter_id))
    content = {
        "reason": "handler_failed",
        "sealed": base64.b64encode(sealed).decode(),
        "receivedAt": datetime.now(UTC).isoformat(),
        "topic": COMMANDS,
        "partition": partition,
        "offset": offset,
    }
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", letter_id.encode()),
        ("ce_type", b"ias.dead-letter.Stored"),
        ("ce_source", b"/metriport-ias/consumers"),
    ]
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers)
    await producer.start()
    try:
        topic = f"{settings.topic_prefix}{LETTERS}"
        await producer.send_and_wait(topic, json.dumps(content).encode(), headers=headers)
    finally:
        await producer.stop()
    return letter_id
