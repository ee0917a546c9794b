"""Opens and verifies published records with keys that the ingress does not have."""

import base64
import gzip
import json
from typing import Any

from consumers.keys import fresh_keys
from consumers.reading import Callback, Reader, Webhook
from schemas.topics import Topic
from service.bus.received import Received
from service.crypto import mac
from service.crypto.keys import KeyRing
from service.crypto.sealing import Opener, place
from tests.ingress.tap import Published
from tests.ingress.vendor import KEY, OLD_KEY

KEYS = dict(line.split("=", 1) for line in fresh_keys())
"""A deployment's keys, made as an operator would make them."""

OPENER = Opener((base64.b64decode(KEYS["SEALING_PRIVATE_KEYS"]),))
MAC_KEYS = KeyRing((base64.b64decode(KEYS["CALLBACK_MAC_KEYS"]),))
LINK_KEYS = KeyRing((base64.b64decode(KEYS["LINK_KEYS"]),))


def opened(record: Published) -> bytes:
    """The bytes that a record holds, bound to its topic, type and id."""
    value = record.value
    if "ce_sealedfor" in record.headers:
        where = place(record.topic, record.headers["ce_type"], record.headers["ce_id"])
        value = OPENER.open(value, where)
    return gzip.decompress(value) if "content-encoding" in record.headers else value


def opened_callback(record: Published) -> dict[str, Any]:
    """A callback after its MAC was checked over the sealed bytes, as JSON."""
    assert record.topic == "ias.callbacks.v1"
    assert "ce_sealedfor" in record.headers, "a callback is always sealed"
    where = place("ias.callbacks.v1", record.headers["ce_type"], record.headers["ce_id"])
    assert mac.verify(MAC_KEYS, where, record.value, record.headers["ce_mac"])
    content: dict[str, Any] = json.loads(opened(record))
    return content


def opened_letter(record: Published) -> tuple[dict[str, Any], bytes]:
    """A dead letter of the ingress as JSON, and the bytes sealed within."""
    assert record.topic == "ias.dead-letters.v1"
    letter: dict[str, Any] = json.loads(record.value)
    where = place("ias.dead-letters.v1", "metriport.webhooks.v1", record.headers["ce_id"])
    return letter, OPENER.open(base64.b64decode(letter["sealed"]), where)


def as_consumers_read(record: Published) -> Webhook | Callback:
    """What the consumers make of it."""
    headers = [(name, value.encode()) for name, value in record.headers.items()]
    key = record.key.encode()
    received = Received(Topic(record.topic), 0, 0, 0, key, record.value, headers)
    keys = (KEY.encode(), OLD_KEY.encode())
    message = Reader(OPENER, lambda: keys, MAC_KEYS).read(received)
    assert isinstance(message, Webhook | Callback)
    return message
