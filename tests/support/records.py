"""Kafka records as they arrive. The vendor's signature and the MAC are made here, not by the service."""

import hashlib
import hmac
import itertools
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from schemas.base import Command, Message
from schemas.cloudevents import MAC, SEALED_FOR, VENDOR_SIGNATURE, Attributes, to_headers
from schemas.topics import Topic
from service.bus.received import Received
from service.crypto.sealing import Sealer, place
from tests.support.settings import MAC_KEY, SEALING_PUBLIC_KEY, WEBHOOK_KEY

SAMPLES = Path(__file__).parents[1] / "samples" / "metriport"
SEALER = Sealer(SEALING_PUBLIC_KEY)
_offsets = itertools.count()


def sample(name: str) -> Any:
    """A recorded webhook's body, to be changed at will."""
    return json.loads((SAMPLES / f"webhook.{name}.json").read_text(encoding="utf-8"))


def vendor_signature(body: bytes, key: str = WEBHOOK_KEY) -> str:
    """What Metriport would put into its header."""
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def mac_of(where: bytes, value: bytes, key: bytes = MAC_KEY) -> str:
    """What the ingress puts on a callback: length of the place, place, sealed bytes."""
    return hmac.new(key, len(where).to_bytes(4, "big") + where + value, hashlib.sha256).hexdigest()


def received(topic: Topic, value: bytes, attributes: Attributes) -> Received:
    """A record at the next offset."""
    return Received(
        topic=topic,
        partition=0,
        offset=next(_offsets),
        timestamp=1_780_000_000_000,
        key=b"key",
        value=value,
        headers=to_headers(attributes),
    )


def webhook(
    body: Any,
    *,
    signature: str | None = None,
    sealed: bool = False,
    ce_id: str | None = None,
    sealed_as: str | None = None,
) -> Received:
    """A webhook on its topic. ``signature=''`` leaves it out; ``sealed_as`` seals for another id."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    meta = {} if isinstance(body, bytes) and ce_id else json.loads(raw)["meta"]
    kind = f"metriport.{meta.get('type', 'unknown')}"
    message_id = ce_id or str(meta.get("messageId", uuid4()))
    signed = vendor_signature(raw) if signature is None else signature
    extensions = {VENDOR_SIGNATURE: signed} if signed else {}
    if sealed:
        extensions[SEALED_FOR] = SEALER.key_id
        raw = SEALER.seal(raw, place(Topic.WEBHOOKS, kind, sealed_as or message_id))
    attributes = Attributes(
        id=message_id, type=kind, source="/metriport/webhooks", extensions=extensions
    )
    return received(Topic.WEBHOOKS, raw, attributes)


def again(body: Any) -> Any:
    """The same news as a new webhook: only its message id differs."""
    copy = json.loads(json.dumps(body))
    copy["meta"]["messageId"] = str(uuid4())
    return copy


def callback(
    content: Message,
    *,
    callback_id: str | None = None,
    mac: str | None = None,
) -> Received:
    """A sealed callback. ``mac=''`` leaves the MAC out."""
    name = callback_id or str(uuid4())
    kind = f"ias.callback.{type(content).__name__}"
    where = place(Topic.CALLBACKS, kind, name)
    value = SEALER.seal(msgspec.json.encode(content), where)
    given = mac_of(where, value) if mac is None else mac
    extensions = {SEALED_FOR: SEALER.key_id} | ({MAC: given} if given else {})
    attributes = Attributes(
        id=name,
        type=kind,
        source="/metriport-ias/browser",
        time=datetime.now(UTC),
        extensions=extensions,
    )
    return received(Topic.CALLBACKS, value, attributes)


def command(content: Command) -> Received:
    """A command of another service."""
    return raw_command(f"ias.command.{type(content).__name__}", msgspec.json.encode(content))


def raw_command(kind: str, value: bytes) -> Received:
    """Any bytes as a command."""
    attributes = Attributes(id=str(uuid4()), type=kind, source="/application")
    return received(Topic.COMMANDS, value, attributes)


def moved(record: Received, **headers: str | None) -> Received:
    """The record with other headers: ``ce_id='x'`` replaces one, ``ce_id=None`` removes it."""
    kept = [(name, value) for name, value in record.headers if name not in headers]
    new = [(name, value.encode()) for name, value in headers.items() if value is not None]
    return record._replace(headers=[*kept, *new], offset=next(_offsets))
