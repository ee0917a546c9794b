"""``python -m tests.soak.pairs``: two people at a time, on the real database, by what the vendor received (I2).

Verifications, hosted pages, returns, sessions, commands and webhooks of two people, who mostly share a
patient and sometimes a browser, interleave at random; so do transactions of several consumers and gateways,
and ``AT_ONCE`` cases beside each other. Each call that reached the vendor's double is held against who made
what, known from who was there. A seed decides what people do; which transaction is first the machine decides.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from migrations.run import migrate
from service.telemetry.logs import configure
from tests.soak.campaign import arguments, told
from tests.soak.pair_acts import play
from tests.soak.pair_beginning import scene_of
from tests.soak.pair_ear import Ear, Mail
from tests.soak.pair_house import open_house
from tests.soak.pair_people import Place
from tests.soak.pair_truth import Truth, judge
from tests.stack.lifetime import Stack
from tests.stack.postgres import EmbeddedPostgres
from tests.stack.signals import Interrupted
from tests.support.plugin import SERVICE_ROLE, allow_login

DATABASE: Final = "pairs"
AT_ONCE: Final = 64
SHOWN: Final = 5
_TELL_EVERY: Final = 250
_QUIET_SECONDS: Final = 60.0
_UNDER_WAY: Final = """
select format('%s, %s, tried %s times', operation, state, attempts) as told, due_at
from vendor_call where state in ('due', 'dispatching')
"""


@dataclass
class Run:
    """What was played so far."""

    place: Place
    cases: int = 0
    failed: list[str] = field(default_factory=list)

    async def play(self, seeds: Iterator[int]) -> None:
        """One case after another; one that fails is told and broken, and the others go on."""
        for seed in seeds:
            try:
                await play(await scene_of(self.place, seed))
            except Exception as error:  # noqa: BLE001 - whatever a case ends with
                self.failed.append(f"case {seed}: {type(error).__name__}")
            self.cases += 1
            if self.cases % _TELL_EVERY == 0:
                received = len(self.place.house.sandbox.ledger.calls)
                print(f"{self.cases} cases, {received} requests at the vendor", file=sys.stderr)

    async def quiet(self) -> None:
        """Wait until every call that is wanted was made; one that is not made in time has failed."""
        ends = time.monotonic() + _QUIET_SECONDS
        while left := await self._under_way():
            if time.monotonic() > ends:
                self.failed += [f"call {row['told']}, due at {row['due_at']:%X}" for row in left]
                return
            await asyncio.sleep(0.1)

    async def _under_way(self) -> list[asyncpg.Record]:
        async with self.place.house.database.connection() as connection:
            return await connection.fetch(_UNDER_WAY)


@asynccontextmanager
async def opened(dsn: str, seed: int) -> AsyncIterator[Place]:
    """A place on a migrated database."""
    truth = Truth()
    ear = Ear(truth)
    async with open_house(dsn, ear, seed) as house:
        yield Place(house, truth, ear, Mail(house.sandbox))


async def campaign(dsn: str, cases: int, seed: int) -> tuple[int, dict[str, Any]]:
    """How much broke, and the figures."""
    async with opened(dsn, seed) as place:
        run = await played(place, cases, seed)
        judged = judge(place.house.sandbox.ledger.calls, place.truth)
    print(*(judged.wrong + run.failed)[:SHOWN], sep="\n")
    figures = {
        "cases": run.cases,
        "calls": judged.calls,
        "bound": judged.bound,
        "cross_patient": len(judged.wrong),
        "twice": judged.twice,
        "unfinished": len(run.failed),
    }
    return len(judged.wrong) + judged.twice + len(run.failed), figures


async def played(place: Place, cases: int, seed: int) -> Run:
    """All cases, so many at a time, until nothing is under way any more."""
    run, seeds = Run(place), iter(range(seed, seed + cases))
    await asyncio.gather(*(run.play(seeds) for _ in range(AT_ONCE)))
    await run.quiet()
    return run


def main() -> int:
    """The command; its exit code."""
    options = arguments("pairs", __doc__, cases=5_000)
    configure("json", "critical")  # what people do wrong here on purpose is an error to operators
    began = time.monotonic()
    try:
        with Stack() as stack:
            postgres = stack.start(EmbeddedPostgres())
            postgres.create_database(DATABASE)
            asyncio.run(migrate(postgres.dsn(DATABASE)))
            allow_login(postgres)
            dsn = postgres.dsn(DATABASE, user=SERVICE_ROLE)
            broken, figures = asyncio.run(campaign(dsn, options.cases, options.seed))
    except Interrupted as error:
        return error.exit_code
    figures["took_s"] = round(time.monotonic() - began, 1)
    return told("pairs", options.seed, broken, figures)


if __name__ == "__main__":
    sys.exit(main())
