"""Keeps records of stopped types, each sealed to its own row, and opens them or lets them go.

A record that is certainly about one subject, or one patient, is found again when that subject is
erased. A webhook of another type may name several patients: it waits, and its handler drops it for the
erased ones.
"""

import hashlib
from typing import Final

import msgspec
import structlog

from consumers.reading import kind_of, read_command_id, read_head
from schemas.ids import CommandId, SubjectId
from schemas.metriport.webhooks import IDENTITY_VERIFIED, NETWORK_QUERY_TYPES
from schemas.topics import Topic
from service.bus.received import Received
from service.crypto.keys import UnknownKeyError
from service.crypto.sealing import Opener, Sealer, place
from service.store import held, patients
from service.store.held import Held
from service.store.unit import Unit

_OF_ONE_PATIENT: Final = {f"metriport.{kind}" for kind in (IDENTITY_VERIFIED, *NETWORK_QUERY_TYPES)}

log = structlog.get_logger()


async def hold(unit: Unit, sealer: Sealer, record: Received) -> None:
    """Keep a record of a stopped kind as it came."""
    kind = kind_of(record)
    content = msgspec.msgpack.encode((*record[:-1], list(record.headers)))
    digest = hashlib.sha256(record.position.encode()).digest()
    sealed = sealer.seal(content, _place(*kind, digest))
    await held.hold(unit, kind, digest, sealed, _about(record))


def open_held(opener: Opener, kept: Held) -> Received:
    """The record as it came.

    Raises:
        UnknownKeyError: not sealed for one of our keys, or for this row.
    """
    where = _place(kept.topic, kept.message_type, kept.record_digest)
    if not kept.is_bound:
        where = place(held.PLACE, kept.topic, "record")
    return msgspec.msgpack.decode(opener.open(kept.sealed, where), type=Received)


async def let_go(unit: Unit, opener: Opener, subject_id: SubjectId) -> list[CommandId]:
    """Delete what is kept about a subject who is erased; the commands among it.

    What is being handled in this moment is left: it finds the erasure when its turn comes.
    """
    name = subject_id.encode()
    about = [held.about(topic, name) for topic in (Topic.COMMANDS, Topic.CALLBACKS)]
    mine = await patients.only_of(unit, subject_id)
    about += [held.about(Topic.WEBHOOKS, patient_id.encode()) for patient_id in mine]
    gone = await held.take_about(unit, about)
    if gone:
        log.info("holding.let_go_for_erasure", count=len(gone))
    commands = [_command_id(opener, one) for one in gone if one.topic == Topic.COMMANDS]
    return [command_id for command_id in commands if command_id is not None]


def _command_id(opener: Opener, kept: Held) -> CommandId | None:
    try:
        return read_command_id(read_head(open_held(opener, kept).value))
    except UnknownKeyError:
        return None


def _about(record: Received) -> bytes | None:
    name = record.key
    if record.topic is Topic.COMMANDS:
        head = read_head(record.value)
        name = record.key if head is None else head.subject_id.encode()
    elif record.topic is Topic.WEBHOOKS and kind_of(record).message_type not in _OF_ONE_PATIENT:
        return None
    return None if name is None else held.about(record.topic, name)


def _place(topic: str, message_type: str, digest: bytes) -> bytes:
    return place(f"{held.PLACE}/{topic}", message_type, digest.hex())
