"""What must be true of a body that was looked at, whoever made it up: hypothesis or a long run."""

import base64
import gzip
import json
from typing import Final

from schemas.cloudevents import from_headers, to_headers
from schemas.metriport.webhooks import KNOWN_TYPES
from schemas.problems import InvalidMessageError
from service.crypto.sealing import Sealer, place
from service.ingress.peek import Peeked, peek
from service.ingress.records import OutRecord, Recorder
from tests.fuzz.bodies import texts_within
from tests.ingress.opening import KEYS, MAC_KEYS, OPENER

RECORDER: Final = Recorder(Sealer(base64.b64decode(KEYS["SEALING_PUBLIC_KEY"])), MAC_KEYS)
WORDS: Final = (
    "proofedidentity",
    "proofed_identity",
    "aal2",
    "identitysession",
    "identity_session",
    "pid_",
)
"""What no text of a body that is not sealed may hold, in any case."""


def looked_at(body: bytes) -> Peeked | None:
    """What the ingress sees in the body, or ``None`` where it refuses it in the one way that it may."""
    try:
        return peek(body)
    except InvalidMessageError:
        return None


def assert_understood(peeked: Peeked) -> None:
    """What was seen fits into a record."""
    assert 1 <= len(peeked.key) <= 255
    assert peeked.key.encode()
    assert peeked.known_type in KNOWN_TYPES | {"other"}
    assert peeked.patient_id is None or peeked.patient_id == peeked.key
    assert peeked.ping is None or peeked.meta.type == "ping"


def names_a_secret(body: bytes) -> bool:
    """I7, judged by another reader's eyes: keys and texts after their escapes are resolved."""
    texts = "\n".join(texts_within(body) or ()).lower()
    return any(word in texts for word in WORDS)


def assert_record_can_be_read(
    record: OutRecord, peeked: Peeked, body: bytes, *, opens: bool = True
) -> None:
    """The record has the body, to the byte, and says what was seen.

    ``opens`` is false where a sealed value is not to be opened, which takes a tenth of a millisecond.
    """
    attributes = from_headers(to_headers(record.attributes))
    assert record.key.encode()
    assert attributes.id == peeked.meta.message_id
    assert attributes.subject == peeked.patient_id
    assert ("sealedfor" in attributes.extensions) == peeked.seal
    value = record.value
    if peeked.seal:
        assert body not in value or len(body) < 8, "sealed in name only"
        if not opens:
            return
        value = OPENER.open(value, place(record.topic, attributes.type, attributes.id))
    assert (gzip.decompress(value) if attributes.content_encoding else value) == body


def assert_letter_can_be_read(record: OutRecord, body: bytes) -> None:
    """A body that makes no sense waits for operators, sealed."""
    sealed = base64.b64decode(json.loads(record.value)["sealed"])
    where = place("ias.dead-letters.v1", "metriport.webhooks.v1", record.attributes.id)
    assert OPENER.open(sealed, where) == body
