"""An audit chain of any length, as a sealer of the past year would have left it, and single rows tampered with."""

import os
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID

from service.ias import audit
from service.ias.audit import GENESIS, Entry, Head, Link, Position, head_bytes
from tests.audit.conftest import Ledger
from tests.audit.past import months_ago
from tests.audit.tampering import (
    entries_swapped,
    entry_altered,
    entry_removed,
    link_altered,
    link_removed,
    links_swapped,
)

_MONTHS: Final = 12
_ROUND: Final = 100
"""Entries that the sealer of then chained at a time, and told a head of."""
_PART: Final = 50_000
_SETTLED: Final = timedelta(minutes=10)
_BOX_BYTES: Final = 70
_KINDS: Final = [kind.value for kind in audit.Kind]


async def build(ledger: Ledger, rows: int, chance: random.Random) -> None:
    """Write the chain by COPY, its digests by the product's pure code; the months close as ever."""
    first = months_ago(_MONTHS)
    for ahead in range(_MONTHS):
        month = audit.months_after(first, ahead)
        assert await ledger.owner.fetchval("select audit_provide($1)", month)
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC)
    step = (datetime.now(UTC) - _SETTLED - begin) / rows
    after = GENESIS
    for start in range(0, rows, _PART):
        numbers = range(start, min(rows, start + _PART))
        entries = [_entry(chance, begin + n * step) for n in numbers]
        links = list(_chained(after, entries))
        after = Position(links[-1].number, links[-1].hash)
        await _copy(ledger, entries, links)
        print(f"chain: {after.number} of {rows} rows", flush=True)
    await ledger.owner.execute("vacuum analyze")  # what autovacuum does meanwhile
    await ledger.seal()


def _entry(chance: random.Random, at: datetime) -> Entry:
    """Of somebody, with a box as long as a real one."""
    entry_id, object_id = UUID(int=chance.getrandbits(128)), UUID(int=chance.getrandbits(128))
    box = os.urandom(_BOX_BYTES)
    return Entry(entry_id, at, chance.choice(_KINDS), os.urandom(32), object_id, box)


def _chained(after: Position, entries: list[Entry]) -> Iterator[Link]:
    for start in range(0, len(entries), _ROUND):
        part = entries[start : start + _ROUND]
        links = audit.chain(after, part, part[-1].recorded_at + timedelta(seconds=1))
        after = Position(links[-1].number, links[-1].hash)
        yield from links


async def _copy(ledger: Ledger, entries: list[Entry], links: list[Link]) -> None:
    copy = ledger.owner.copy_records_to_table
    await copy("audit_entry", records=entries)
    await copy("audit_chain", records=links)
    last = [Head(link.number, link.hash, link.sealed_at) for link in links[_ROUND - 1 :: _ROUND]]
    key_id, sign = ledger.signer.key_id, ledger.signer.sign
    heads = [(*head, key_id, sign(head_bytes(head)), head.sealed_at) for head in last]
    await copy("audit_head", records=heads)


class Tampering(NamedTuple):
    """Statements, and the numbers of the links that they touch; found at the first of these."""

    statements: tuple[str, ...]
    touched: tuple[int, ...]


ALTERED: Final = (
    partial(entry_altered, change="kind = e.kind || 'x'"),
    partial(entry_altered, change="box = set_byte(e.box, 9, get_byte(e.box, 9) # 4)"),
    entry_removed,
    link_removed,
    partial(link_altered, change="hash = set_byte(hash, 7, get_byte(hash, 7) # 1)"),
)
SWAPPED: Final = (links_swapped, entries_swapped)


def tamperings(rows: int, count: int, chance: random.Random) -> list[Tampering]:
    """So many, each of a row or two at random, of each kind in turn."""
    made = []
    for turn in range(count):
        one, two = sorted(chance.sample(range(1, rows + 1), 2))
        kind = turn % (len(ALTERED) + len(SWAPPED))
        if kind < len(ALTERED):
            made.append(Tampering(ALTERED[kind](one), (one,)))
        else:
            made.append(Tampering(SWAPPED[kind - len(ALTERED)](one, two), (one, two)))
    return made


@asynccontextmanager
async def tampered(ledger: Ledger, what: Tampering) -> AsyncIterator[None]:
    """Do it; at the end the rows are as they were."""
    numbers, owner = list(what.touched), ledger.owner
    links = await owner.fetch("select * from audit_chain where number = any($1)", numbers)
    ids = [link["entry_id"] for link in links]
    entries = await owner.fetch("select * from audit_entry where entry_id = any($1)", ids)
    for statement in what.statements:
        await ledger.tamper(statement)
    yield
    await ledger.tamper("delete from audit_chain where number = any($1)", numbers)
    await ledger.tamper("delete from audit_entry where entry_id = any($1)", ids)
    for table, rows in (("audit_chain", links), ("audit_entry", entries)):
        await owner.copy_records_to_table(table, records=map(tuple, rows))
