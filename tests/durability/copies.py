"""Where Kafka has webhooks."""

from collections.abc import Collection

from aiokafka import AIOKafkaConsumer


async def copies(servers: str, topic: str, message_ids: Collection[str]) -> dict[str, list[str]]:
    """Topic, partition and offset of every copy of these webhooks."""
    found: dict[str, list[str]] = {}
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=servers, auto_offset_reset="earliest"
    ) as consumer:
        while batches := await consumer.getmany(timeout_ms=2_000):
            for record in (one for batch in batches.values() for one in batch):
                message_id = (dict(record.headers).get("ce_id") or b"").decode()
                if message_id in message_ids:
                    place = f"{record.topic}/{record.partition}/{record.offset}"
                    found.setdefault(message_id, []).append(place)
    return found
