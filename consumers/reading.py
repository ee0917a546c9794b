"""A record becomes an authentic, typed message, or a rejection with its reason.

The right to write to a topic is not trust: every webhook's signature is verified again over the opened
bytes, every callback's MAC over the sealed ones. The type of a webhook is what its signed bytes say,
never what a header says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from schemas.base import Command, Message
from schemas.callbacks import CALLBACKS
from schemas.cloudevents import (
    MAC,
    SEALED_FOR,
    VENDOR_SIGNATURE,
    Attributes,
    NotACloudEventError,
    from_headers,
)
from schemas.commands import COMMANDS
from schemas.ids import CommandId, SubjectId
from schemas.metriport.webhooks import KNOWN_TYPES, HasMeta, Meta
from schemas.problems import InvalidMessageError, decode, decode_part
from schemas.reasons import Reason
from schemas.topics import Topic
from service.bus.packing import NotPackedError, unpack
from service.bus.received import Received
from service.crypto import mac
from service.crypto.keys import KeyRing, UnknownKeyError
from service.crypto.sealing import Opener, place
from service.store.held import Kind
from service.telemetry import metrics
from service.webhook_signature import matching_slot

LARGEST_BODY: Final = 32 * 1024 * 1024
"""What the ingress accepts at most."""


class RejectedError(Exception):
    """The record cannot be acted on. The message and field are our own words."""

    def __init__(self, reason: Reason, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.field = field


class UnknownSignatureError(RejectedError):
    """None of this process's webhook keys made the signature; another process may have one more."""


@dataclass(frozen=True, repr=False)
class Webhook:
    """An authentic webhook: ``body`` is what Metriport signed."""

    meta: Meta
    body: bytes


@dataclass(frozen=True)
class Callback:
    """An authentic callback."""

    id: str
    content: Message


@dataclass(frozen=True)
class CommandMessage:
    """A well-formed command."""

    type: str
    command: Command


class Reader:
    """Reads records with the keys of this process.

    ``keys_may_come``: the vendor's keys rotate while it runs (``late_keys``).
    """

    def __init__(
        self,
        opener: Opener,
        webhook_keys: Callable[[], tuple[bytes, ...]],
        mac_keys: KeyRing,
        *,
        keys_may_come: bool = False,
    ) -> None:
        self._opener = opener
        self._webhook_keys = webhook_keys
        self._mac_keys = mac_keys
        self._unverified = UnknownSignatureError if keys_may_come else RejectedError

    def read(self, record: Received) -> Webhook | Callback | CommandMessage:
        """The message that the record holds.

        Raises:
            RejectedError: not a CloudEvent, not authentic, not readable, or not known.
        """
        try:
            attributes = from_headers(record.headers)
        except NotACloudEventError as error:
            raise RejectedError(Reason.UNREADABLE, str(error)) from None
        match record.topic:
            case Topic.WEBHOOKS:
                return self._webhook(record, attributes)
            case Topic.CALLBACKS:
                return self._callback(record, attributes)
            case _:
                return read_command(record.value, attributes)

    def _webhook(self, record: Received, attributes: Attributes) -> Webhook:
        body = _unpacked(self._opened(record, attributes), attributes)
        signature = attributes.extensions.get(VENDOR_SIGNATURE, "")
        if matching_slot(self._webhook_keys(), body, [signature]) is None:
            raise self._unverified(Reason.NOT_AUTHENTIC, "the webhook's signature does not verify")
        try:
            return Webhook(decode_part(body, HasMeta).meta, body)
        except InvalidMessageError as error:
            raise RejectedError(Reason.UNREADABLE, error.message, error.field) from None

    def _callback(self, record: Received, attributes: Attributes) -> Callback:
        where = place(record.topic, attributes.type, attributes.id)
        given = attributes.extensions.get(MAC, "")
        kind = CALLBACKS.get(attributes.type)
        if kind is None or not mac.verify(self._mac_keys, where, record.value, given):
            raise RejectedError(Reason.NOT_AUTHENTIC, "the callback's MAC does not verify")
        body = self._opened(record, attributes)
        try:
            return Callback(attributes.id, decode(body, kind))
        except InvalidMessageError as error:
            raise RejectedError(Reason.UNREADABLE, error.message, error.field) from None

    def _opened(self, record: Received, attributes: Attributes) -> bytes:
        if SEALED_FOR not in attributes.extensions:
            return record.value
        try:
            return self._opener.open(
                record.value, place(record.topic, attributes.type, attributes.id)
            )
        except UnknownKeyError:
            raise RejectedError(Reason.NOT_AUTHENTIC, "the sealed text does not open") from None


def _unpacked(carried: bytes, attributes: Attributes) -> bytes:
    try:
        return unpack(carried, attributes.content_encoding, LARGEST_BODY)
    except NotPackedError as error:
        raise RejectedError(Reason.UNREADABLE, str(error)) from None


def read_command(value: bytes, attributes: Attributes) -> CommandMessage:
    """The command that a record holds.

    Raises:
        RejectedError: unknown type, or a field that is missing or wrong, named.
    """
    kind = COMMANDS.get(attributes.type)
    if kind is None:
        raise RejectedError(Reason.UNKNOWN_COMMAND, "the ce_type is not a command")
    try:
        return CommandMessage(attributes.type, decode(value, kind))
    except InvalidMessageError as error:
        raise RejectedError(Reason.INVALID_FIELD, error.message, error.field) from None


class CommandHead(msgspec.Struct, rename="camel"):
    """The little that can be read of a command that is otherwise broken."""

    subject_id: SubjectId
    command_id: msgspec.Raw = msgspec.Raw(b"null")


def read_head(value: bytes) -> CommandHead | None:
    """Whose command a broken one was, if it says so."""
    try:
        return decode(value, CommandHead)
    except InvalidMessageError:
        return None


def read_command_id(head: CommandHead | None) -> CommandId | None:
    """Which command a broken one was, if it says so."""
    try:
        return None if head is None else decode(bytes(head.command_id), CommandId)
    except InvalidMessageError:
        return None


KNOWN_TYPES_OF: Final = {
    Topic.COMMANDS: frozenset(COMMANDS),
    Topic.CALLBACKS: frozenset(CALLBACKS),
    Topic.WEBHOOKS: frozenset(f"metriport.{kind}" for kind in KNOWN_TYPES),
}
"""Every ``ce_type`` that is handled, by the topic that it comes on."""
OTHER: Final = "other"
"""All the others, told as one."""
_KNOWN: Final = frozenset().union(*KNOWN_TYPES_OF.values())


def kind_of(record: Received) -> Kind:
    """Topic and ``ce_type``, as far as it is known. Nobody vouches for it: it only sorts records."""
    said = record.text("ce_type")
    return Kind(record.topic.value, said if said in _KNOWN else OTHER)


def count(kind: Kind, result: str) -> None:
    """Count a message by topic, known type and result."""
    metrics.MESSAGES.labels(*kind, result).inc()
