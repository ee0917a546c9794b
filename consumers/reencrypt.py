"""``metriport-ias reencrypt``: everything at rest under the newest keys, on a live system.

The order of a rotation, where a process that lacks a key waits for it and loses nothing:

1. give every process the new key beside the old: ``ENCRYPTION_KEYS=new,old`` (consumers, gateway), or
   ``SEALING_PRIVATE_KEYS=new,old`` to the consumers first and then ``SEALING_PUBLIC_KEY=new``;
2. run this until it exits with 0: killed, it goes on where it was when it is run again;
3. take the old key away. What Kafka holds stays sealed to the key of its time: keep an old private key
   for as long as the topics are retained.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from consumers.command_line import (
    FOUND_WRONG,
    OK,
    add_json,
    say,
    say_aside,
    say_json,
    settings_of,
    teach,
)
from consumers.reaching import postgres
from consumers.reencrypt_report import report
from service.crypto.keys import KeyRing
from service.crypto.sealing import Opener, Sealer
from service.ias.audit import Kind
from service.settings.roles import ReencryptSettings, Role
from service.store import audit, reencryption, resealing
from service.store.pool import TRANSIENT, Database
from service.store.reencryption import WRAPPED, Wrapped
from service.store.resealing import SEALED, Sealed
from service.store.unit import Vault

PATIENCE_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 0.5
_ABOUT: Final = (
    "Wraps every data key and seals everything that waits again, under the newest of ENCRYPTION_KEYS and under "
    "SEALING_PUBLIC_KEY, on a live system and in small steps; killed, it goes on where it was. Then it tells how many "
    "rows are under which key: an older key may be taken away when none is under it. The order of a change of keys is "
    "in deploy/README.md."
)

Tell = Callable[[str], None]
T = TypeVar("T")


class Done(NamedTuple):
    """What one step did: rows moved, rows that cannot move, and the key to go on after, if any."""

    moved: int
    stuck: int
    last: Any


class Work(NamedTuple):
    """One table to walk in steps, and how many of its rows are under older keys."""

    name: str
    beginning: Any
    step: Callable[[Any], Awaitable[Done]]
    left: Callable[[], Awaitable[int]]


class WrongKeysError(Exception):
    """The keys at hand would lock something away."""


class Keys(NamedTuple):
    """Everything this needs to open and to lock."""

    ring: KeyRing
    opener: Opener
    sealer: Sealer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    teach(
        parser,
        _ABOUT,
        example="metriport-ias reencrypt --check --json",
        ends={
            OK: "nothing is left under older keys",
            FOUND_WRONG: "something is left: keep the older keys and run it again; or it could not be done",
        },
    )
    parser.add_argument("--batch", type=int, default=100, help="data keys a transaction (100)")
    parser.add_argument("--check", action="store_true", help="count only, change nothing")
    add_json(parser)


async def run(options: argparse.Namespace) -> int:
    """The exit code: 0 when nothing is left under older keys.

    Raises:
        WrongKeysError: what would be sealed could not be opened again.
        ToolError: the database cannot be used.
    """
    settings = settings_of(Role.REENCRYPT, ReencryptSettings)
    keys = _keys(settings)
    vault = Vault(keys.ring)
    async with postgres(settings.database, vault) as database:
        if not options.check:
            tell = say_aside if options.json else say
            await rotate(database, keys, tell, batch=max(1, options.batch))
        async with database.connection() as connection:
            told = await report(connection, keys.ring, keys.sealer)
    if options.json:
        say_json(told.document())
    else:
        say(told.text())
    return OK if told.is_done else FOUND_WRONG


async def rotate(database: Database, keys: Keys, tell: Tell, *, batch: int) -> None:
    """Wrap and seal everything again; returns when nothing is left, or nothing moves for a minute."""
    await _record(database, keys, step="begun")
    works = [_wrapping(database, keys, place, batch) for place in WRAPPED]
    works += [_sealing(database, keys, table) for table in SEALED]
    for work in works:
        await _rounds(work, tell)
    await _record(database, keys, step="ended")


def _wrapping(database: Database, keys: Keys, place: Wrapped, batch: int) -> Work:
    async def step(after: str) -> Done:
        found = await reencryption.wrap_again(database, keys.ring, place, after, batch)
        return Done(found.wrapped, found.broken, found.last or None)

    async def left() -> int:
        async with database.connection() as connection:
            counts = await reencryption.count(connection, place)
        return sum(counts.get(name.hex(), 0) for name in keys.ring.older)

    return Work(place.table, "", step, left)


def _sealing(database: Database, keys: Keys, table: Sealed) -> Work:
    async def step(after: object) -> Done:
        found = await resealing.seal_again(database, keys.opener, keys.sealer, table, after)
        return Done(found.sealed, found.closed, found.last)

    async def left() -> int:
        async with database.connection() as connection:
            counts = await resealing.count(connection, table)
        return sum(rows for name, rows in counts.items() if name != keys.sealer.key_id)

    return Work(table.table, table.beginning, step, left)


async def _rounds(work: Work, tell: Tell) -> None:
    """Walk the table until nothing is left that could move; rows in use are met in a later round."""
    moved_at = time.monotonic()
    total = 0
    while True:
        moved, stuck = await _round(work, tell)
        total += moved
        left = await _patiently(work.left, tell)
        if moved:
            tell(f"{work.name}: {total} done, {left} left")
            moved_at = time.monotonic()
        if left <= stuck or time.monotonic() - moved_at > PATIENCE_SECONDS:
            return
        await asyncio.sleep(_PAUSE_SECONDS)


async def _round(work: Work, tell: Tell) -> tuple[int, int]:
    moved, stuck, after = 0, 0, work.beginning
    while after is not None:
        done = await _patiently(partial(work.step, after), tell)
        moved, stuck, after = moved + done.moved, stuck + done.stuck, done.last
    return moved, stuck


async def _patiently(ask: Callable[[], Awaitable[T]], tell: Tell) -> T:
    """Repeat through faults of the database for a minute: every step may be done twice."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await ask()
        except TRANSIENT as error:
            if time.monotonic() > until:
                raise
            tell(f"the database is away: {type(error).__name__}")
            await asyncio.sleep(_PAUSE_SECONDS)


async def _record(database: Database, keys: Keys, step: str) -> None:
    """Who changes what opens everything, leaves a trace; a run that was killed too."""
    async with database.transaction() as unit:
        newest = keys.ring.newest[0].hex()
        names = {"encryption_key": newest, "sealing_key": keys.sealer.key_id}
        audit.record_operation(unit, Kind.KEYS_REENCRYPTED, step=step, **names)


def _keys(settings: ReencryptSettings) -> Keys:
    opener = Opener(settings.opening.private_keys.reveal())
    sealer = Sealer(settings.sealing_public_key)
    if sealer.key_id not in opener.key_ids:
        raise WrongKeysError("SEALING_PRIVATE_KEYS holds no key for SEALING_PUBLIC_KEY")
    return Keys(settings.at_rest.keys, opener, sealer)
