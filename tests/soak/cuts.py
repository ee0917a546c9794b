"""``python -m tests.soak.cuts``: calls on connections that break at every byte, and on sound ones (I3).

After each: a call that the client takes for not sent never arrived as a whole, no call arrived twice, and
no sound call's outcome is ambiguous. Without ``--cases`` every schedule there is (some 19,000); with it, so
many of them by chance. The same seed makes the same schedules in the same order.
"""

import asyncio
import itertools
import random
import sys
import time
from collections.abc import Iterable, Iterator

import structlog

from service.gateway.client import open_client
from service.gateway.outcome import Accepted
from tests.cutting.calls import CALLS
from tests.cutting.certificates import Certificate
from tests.cutting.proxy import Way

from . import campaign, cut_schedules
from .cut_judge import Attempt, Tally
from .cut_lines import Lane, Opened, laid, trusted
from .cut_schedules import ACCEPTED, POST_AND_GET, Kind, Lengths, Schedule

COUNTED = (
    *("schedules", "sound_calls", "cuts_of_request", "cuts_of_answer", "unknown", "not_sent"),
    *("received_twice", "misclassified_unsent", "accepted_unreceived", "ambiguous_on_sound"),
    "other_outcome",
)
_SHOWN = 20
_PART = 2000
"""Judged at a time."""


async def run(cases: int, sound: int, seed: int, opened: Opened = open_client) -> Tally:
    """Make the calls and judge them; ``cases`` 0 is every schedule."""
    chance, tally, numbers = random.Random(seed), Tally(), itertools.count(1)
    with trusted() as certificate:
        plain = await _lengths(Kind.SOUND, list(CALLS), certificate)
        under_tls = await _lengths(Kind.SOUND_TLS, POST_AND_GET[:1], certificate)
        schedules = cut_schedules.broken(plain, under_tls)
        chance.shuffle(schedules)
        schedules = schedules[: cases or None] + cut_schedules.sound(sound, chance)
        for kind in Kind:
            mine = [one for one in schedules if one.kind is kind]
            for part in _parts(mine):
                await _make(kind, part, numbers, tally, (certificate, opened))
    return tally


async def _make(
    kind: Kind,
    schedules: list[Schedule],
    numbers: Iterator[int],
    tally: Tally,
    how: tuple[Certificate, Opened],
) -> None:
    """Some schedules of a kind; judged when every connection is over, so that nothing can arrive later."""
    began, waiting, attempts = time.monotonic(), iter(schedules), list[Attempt]()

    async def work(lane: Lane) -> None:
        for schedule in waiting:
            number = next(numbers)
            attempts.append(Attempt(schedule, number, await lane.make(schedule, number)))

    async with laid(kind, *how) as (lanes, recorder):
        await asyncio.gather(*map(work, lanes))
    tally.judge(attempts, recorder.marks())
    rate = len(attempts) / (time.monotonic() - began)
    print(f"{kind}: {len(attempts)}, {rate:.0f} a second; broken: {len(tally.broken)}", flush=True)


async def _lengths(kind: Kind, names: Iterable[str], certificate: Certificate) -> Lengths:
    """The bytes of a sound call of each kind; our own client's, whoever is under test."""
    found = {}
    async with laid(kind, certificate, open_client) as (lanes, _):
        for name in names:
            outcome = await lanes[0].make(Schedule(kind, name, ACCEPTED), 0)
            if not isinstance(outcome, Accepted):
                raise TypeError(f"a sound {name} is not accepted")
            await lanes[0].proxy.idle()
            found[name] = {way: lanes[0].proxy.passed[way] for way in Way}
    return found


def _parts(schedules: list[Schedule]) -> Iterator[list[Schedule]]:
    for begin in range(0, len(schedules), _PART):
        yield schedules[begin : begin + _PART]


def main() -> int:
    """Run the campaign."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    options = campaign.arguments("cuts", __doc__, cases=0, sound=3000)
    began = time.monotonic()
    tally = asyncio.run(run(options.cases, options.sound, options.seed))
    took = time.monotonic() - began
    for told in tally.broken[:_SHOWN]:
        again = f"--cases {options.cases} --sound {options.sound} --seed {options.seed}"
        print(f"BROKEN {told}; {again}")
    figures = {name: tally.counts[name] for name in COUNTED}
    made = figures["schedules"] + figures["sound_calls"]
    rate = {"took_s": round(took, 1), "per_second": round(made / took, 1)}
    return campaign.told("cuts", options.seed, len(tally.broken), {**figures, **rate})


if __name__ == "__main__":
    sys.exit(main())
