"""Webhooks and callbacks as Kafka records: CloudEvents headers, sealed where they hold secrets."""

from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID, uuid4

import msgspec

from schemas.base import Message
from schemas.cloudevents import JSON, MAC, OCTETS, SEALED_FOR, VENDOR_SIGNATURE, Attributes
from schemas.dead_letters import DEAD_LETTER_TYPE, DeadLetter
from schemas.ids import SubjectId
from schemas.reasons import Reason
from schemas.topics import Topic
from service.bus.packing import pack
from service.crypto import mac
from service.crypto.keys import KeyRing
from service.crypto.sealing import Sealer, place
from service.ingress.peek import Peeked
from service.telemetry import traces

WEBHOOK_SOURCE: Final = "/metriport/webhooks"
CALLBACK_SOURCE: Final = "/metriport-ias/browser"
INGRESS_SOURCE: Final = "/metriport-ias/ingress"
_LONGEST_ID: Final = 255


class OutRecord(NamedTuple):
    """One record to publish; its value can hold health data, so it has no repr of its fields."""

    topic: Topic
    key: str
    value: bytes
    attributes: Attributes

    def __repr__(self) -> str:
        return f"OutRecord({self.topic})"


class Recorder:
    """Makes records with the ingress's keys: it can seal and sign, and cannot open."""

    def __init__(self, sealer: Sealer, mac_keys: KeyRing) -> None:
        self._sealer = sealer
        self._mac_keys = mac_keys

    def webhook(
        self, body: bytes, signature: str, peeked: Peeked, traceparent: str | None = None
    ) -> OutRecord:
        """The webhook exactly as received, sealed when its type or bytes may name a secret."""
        kind, message_id = f"metriport.{peeked.meta.type}", peeked.meta.message_id
        extensions = {VENDOR_SIGNATURE: signature}
        value, encoding = pack(body)
        if peeked.seal:
            extensions[SEALED_FOR] = self._sealer.key_id
            value = self._sealer.seal(value, place(Topic.WEBHOOKS, kind, message_id))
        attributes = Attributes(
            id=message_id,
            type=kind,
            source=WEBHOOK_SOURCE,
            time=_in_utc(peeked.meta.when),
            subject=peeked.patient_id,
            content_type=OCTETS if peeked.seal else JSON,
            content_encoding=encoding,
            traceparent=traceparent,
            extensions=extensions,
        )
        return OutRecord(Topic.WEBHOOKS, peeked.key, value, attributes)

    def callback(self, content: Message, subject_id: SubjectId, callback_id: UUID) -> OutRecord:
        """What a browser did, sealed and authenticated."""
        kind = f"ias.callback.{type(content).__name__}"
        where = place(Topic.CALLBACKS, kind, str(callback_id))
        value = self._sealer.seal(msgspec.json.encode(content), where)
        attributes = Attributes(
            id=str(callback_id),
            type=kind,
            source=CALLBACK_SOURCE,
            time=datetime.now(UTC),
            content_type=OCTETS,
            traceparent=traces.current(),
            extensions={
                SEALED_FOR: self._sealer.key_id,
                MAC: mac.sign(self._mac_keys, where, value),
            },
        )
        return OutRecord(Topic.CALLBACKS, subject_id, value, attributes)

    def not_understood(self, body: bytes) -> OutRecord:
        """An authentic body that makes no sense to us, for operators, sealed."""
        letter_id = str(uuid4())
        where = place(Topic.DEAD_LETTERS, Topic.WEBHOOKS, letter_id)
        letter = DeadLetter(
            reason=Reason.UNREADABLE,
            sealed=self._sealer.seal(body, where),
            received_at=datetime.now(UTC),
        )
        attributes = Attributes(
            id=letter_id, type=DEAD_LETTER_TYPE, source=INGRESS_SOURCE, time=letter.received_at
        )
        return OutRecord(Topic.DEAD_LETTERS, "", msgspec.json.encode(letter), attributes)


def _in_utc(when: datetime | None) -> datetime | None:
    """The vendor's time, or none where it is so near the ends of time that it has no UTC."""
    try:
        return when and when.astimezone(UTC)
    except OverflowError:
        return None
