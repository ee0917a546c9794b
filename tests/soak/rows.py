"""``python -m tests.soak.rows``: a million rows of audit checked, and a million rows put under new keys.

On a Postgres that syncs, by the commands that operators run. First an audit of ``--rows`` entries over a year,
timed and checked, then with a row or two tampered with, ``--tamperings`` times. Then ``--rows`` rows under the
old keys, a tenth of them sealed and the others wrapped data keys: ``metriport-ias reencrypt``, timed until none
is left; before and after, ``--swaps`` pairs of ciphertexts change places and must open in neither.
"""

import asyncio
import base64
import json
import os
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import asyncpg
import structlog

from migrations.run import migrate
from service.crypto.sealing import Opener
from tests.audit.conftest import Ledger
from tests.local.deployment import ROOT
from tests.secrets import rotating
from tests.secrets.rotating import NEW, NEW_KEY, NEW_OPENER, OLD, Opening
from tests.stack.lifetime import Stack
from tests.stack.postgres import EmbeddedPostgres
from tests.support.plugin import allow_login
from tests.support.settings import ENCRYPTION_KEY, SEALING_PRIVATE_KEY

from . import campaign, rows_chain, rows_keys
from .rows_keys import Swaps

AS_OPERATED: Final = {
    "fsync": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "max_wal_size": "4GB",
    "shared_buffers": "256MB",
}
OLD_OPENER: Final = Opener((SEALING_PRIVATE_KEY,))


class Sizes(NamedTuple):
    """How much of everything."""

    rows: int
    tamperings: int
    swaps: int


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    document: Any
    seconds: float


async def run(postgres: EmbeddedPostgres, sizes: Sizes, chance: random.Random) -> dict[str, Any]:
    """Both parts, each in a database of its own; every figure."""
    figures: dict[str, Any] = {"rows": sizes.rows}
    async with _database(postgres, "soak_chain") as (opening, owner):
        figures |= await _audit(opening, owner, sizes, chance)
    async with _database(postgres, "soak_keys") as (opening, owner):
        figures |= await _keys(opening, owner, sizes, chance)
    return figures


def broken(figures: dict[str, Any]) -> int:
    """How many promises the figures break."""
    wrong: int = (
        (figures["rows"] != figures["chain_checked"])
        + figures["false_alarms"]
        + (figures["tampered"] - figures["tampering_found"])
        + (figures["rows"] != figures["rewrapped_rows"])
        + figures["left_under_old_key"]
        + (figures["swapped"] - figures["swapped_refused"])
    )
    return wrong


async def _audit(
    opening: Opening, owner: asyncpg.Connection, sizes: Sizes, chance: random.Random
) -> dict[str, Any]:
    async with opening.with_keys(OLD) as database:
        ledger = Ledger(database, owner)
        began = time.monotonic()
        await rows_chain.build(ledger, sizes.rows, chance)
        built = time.monotonic() - began
        whole = await _verify(opening, ledger)
        print(f"chain: built in {built:.0f} s, checked in {whole.seconds:.0f} s", flush=True)
        found = 0
        tamperings = rows_chain.tamperings(sizes.rows, sizes.tamperings, chance)
        for one in tamperings:
            async with rows_chain.tampered(ledger, one):
                ended = await _verify(opening, ledger)
            found += is_found(ended, one)
            how = "found" if is_found(ended, one) else "BROKEN, not found"
            print(f"chain: {how}: {one.statements[0]}: {ended.document['broken']}", flush=True)
        again = await _verify(opening, ledger)
    return {
        "chain_checked": whole.document["entries"],
        "chain_built_s": round(built, 1),
        "chain_verified_s": round(whole.seconds, 1),
        "heads_matched": whole.document["heads_matched"],
        "tampered": len(tamperings),
        "tampering_found": found,
        "false_alarms": (whole.code != 0) + (again.code != 0),
    }


def is_found(ended: Ended, one: rows_chain.Tampering) -> bool:
    """Whether the command said that the chain is broken, and where."""
    said = ended.document["broken"]
    return ended.code == 1 and said is not None and said["number"] == min(one.touched)


async def _keys(
    opening: Opening, owner: asyncpg.Connection, sizes: Sizes, chance: random.Random
) -> dict[str, Any]:
    async with opening.with_keys(OLD) as database:
        began = time.monotonic()
        await rows_keys.build(database, owner, sizes.rows, sizes.rows // 10)
        print(f"keys: made in {time.monotonic() - began:.0f} s", flush=True)
        before = await Swaps(database, owner, OLD_OPENER, chance).refused(sizes.swaps)
    at_first = await rows_keys.left(owner)
    ended = await _ended(await rotating.command(opening, (NEW_KEY, ENCRYPTION_KEY), "--json"))
    at_last = await rows_keys.left(owner)
    print(f"keys: ended with {ended.code} after {ended.seconds:.0f} s, {at_last} left", flush=True)
    async with opening.with_keys(NEW) as database:
        after = await Swaps(database, owner, NEW_OPENER, chance).refused(sizes.swaps)
    return {
        "rewrapped_rows": at_first - at_last,
        "rewrapped_s": round(ended.seconds, 1),
        "left_under_old_key": at_last,
        "swapped": before[0] + after[0],
        "swapped_refused": before[1] + after[1],
    }


async def _verify(opening: Opening, ledger: Ledger) -> Ended:
    """The check as an operator runs it."""
    return await _ended(
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "consumers", "audit", "verify", "--json"),
            env={
                "PATH": os.environ["PATH"],
                "DATABASE_URL": opening.url,
                "AUDIT_PUBLIC_KEYS": base64.b64encode(ledger.signer.public_key).decode(),
            },
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
    )


async def _ended(process: asyncio.subprocess.Process) -> Ended:
    began = time.monotonic()
    output, _ = await process.communicate()
    seconds = time.monotonic() - began
    text = output.decode()
    return Ended(process.returncode or 0, json.loads(text[text.index("{") :]), seconds)


@asynccontextmanager
async def _database(
    postgres: EmbeddedPostgres, name: str
) -> AsyncIterator[tuple[Opening, asyncpg.Connection]]:
    """A fresh database in the newest shape, and its owner's connection."""
    postgres.create_database(name)
    await migrate(postgres.dsn(name))
    allow_login(postgres)
    owner = await asyncpg.connect(postgres.dsn(name))
    try:
        yield Opening(postgres, name), owner
    finally:
        await owner.close()
        postgres.drop_database(name)


def main() -> int:
    """Run the campaign."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    options = campaign.arguments("rows", __doc__, rows=1_000_000, tamperings=7, swaps=200)
    sizes = Sizes(options.rows, options.tamperings, options.swaps)
    with Stack() as stack:
        postgres = stack.start(EmbeddedPostgres(settings=AS_OPERATED))
        figures = asyncio.run(run(postgres, sizes, random.Random(options.seed)))
    return campaign.told("rows", options.seed, broken(figures), figures)


if __name__ == "__main__":
    sys.exit(main())
