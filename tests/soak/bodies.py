"""Bodies by the million through what the ingress does before there is a record: signature, look, record.

Case ``n`` of a seed is the same whatever the number of workers: ``--seed S --only N`` repeats one. Every
case is judged as ``tests/fuzz`` does; of the sealed records one in ``OPENED_EVERY`` is opened too.
"""

import gc
import os
import time
import traceback
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from random import Random
from typing import Final, NamedTuple

from service.ingress.peek import Peeked
from service.ingress.records import OutRecord
from service.webhook_signature import matching_slot
from tests.fuzz import judging
from tests.fuzz.signing import oracle, respellings, signed
from tests.overload.bench import memory_mib
from tests.soak.campaign import arguments, told
from tests.soak.spoiling import a_body

SECONDS: Final = 1.0
OPENED_EVERY: Final = 10
KEYS: Final = (
    b"a key of today",
    b"a longer key than a block of SHA-256 has bytes, of yesterday" * 2,
)
_WRONGLY_SIGNED: Final = 0.1
_TOLD_EVERY: Final = 100_000
_WARM_UP: Final = 100_000
_SHOWN: Final = 2_000


@dataclass
class Tally:
    """What became of the cases of one process."""

    cases: int = 0
    understood: int = 0
    sealed: int = 0
    opened: int = 0
    unauthentic: int = 0
    broken: int = 0
    longest_s: float = 0.0
    rss_growth_percent: float = 0.0
    seconds: float = 0.0
    shown: list[str] = field(default_factory=list)


class Share(NamedTuple):
    """The cases of one process: every ``step``-th from ``first``."""

    seed: int
    first: int
    cases: int
    step: int


def looked_at(
    body: bytes, signatures: Sequence[str]
) -> tuple[int | None, Peeked | None, OutRecord, float]:
    """What the ingress does with a body, and the seconds that it took.

    A body is read whether or not it is authentic: what is judged of either needs nothing of the other.
    """
    begun = time.perf_counter()
    slot = matching_slot(KEYS, body, signatures)
    peeked = judging.looked_at(body)
    if peeked is None:
        record = judging.RECORDER.not_understood(body)
    else:
        record = judging.RECORDER.webhook(body, "0" * 64, peeked)
    return slot, peeked, record, time.perf_counter() - begun


def signatures_for(rng: Random, body: bytes) -> list[str]:
    """All values of the header: mostly the right one of some key, and one in ten something else."""
    right = signed(rng.choice(KEYS), body)
    if rng.random() >= _WRONGLY_SIGNED:
        return [right]
    at = rng.randrange(64)
    wrong = f"{right[:at]}{rng.choice('0123456789abcdefg')}{right[at + 1 :]}"
    other = signed(rng.choice(KEYS), body + b" ")
    return rng.choice([[], [right, right], [wrong], [other], [rng.choice(respellings(right))]])


def judge(tally: Tally, number: int, body: bytes, signatures: Sequence[str]) -> None:
    """One case: any exception, of the product or of a judge, is for the caller to count."""
    slot, peeked, record, took = looked_at(body, signatures)
    tally.longest_s = max(tally.longest_s, took)
    tally.understood += peeked is not None
    tally.unauthentic += slot is None
    assert took < SECONDS, f"took {took:.3f} s"
    assert slot == oracle(KEYS, body, signatures), "another reader judges the signature otherwise"
    opens = number % OPENED_EVERY == 0
    if peeked is None:
        tally.opened += opens
        if opens:
            judging.assert_letter_can_be_read(record, body)
        return
    judging.assert_understood(peeked)
    assert peeked.seal or not judging.names_a_secret(body), "a secret in the open"
    judging.assert_record_can_be_read(record, peeked, body, opens=opens)
    tally.sealed += peeked.seal
    tally.opened += opens and peeked.seal


def one(tally: Tally, seed: int, number: int) -> None:
    """Make case ``number``, and judge it."""
    rng = Random(seed << 32 | number)
    body = a_body(rng)
    signatures = signatures_for(rng, body)
    tally.cases += 1
    try:
        judge(tally, number, body, signatures)
    except Exception:  # noqa: BLE001 - whatever it is, it is what the campaign looks for
        tally.broken += 1
        if len(tally.shown) < 10:
            what = traceback.format_exc(limit=-2)
            tally.shown.append(f"--seed {seed} --only {number}\n{what}{body[:_SHOWN]!r}")


def run(share: Share) -> Tally:
    """All cases of a share; memory is compared with what it was after the first of them."""
    tally, begun = Tally(), time.monotonic()
    numbers = range(share.first, share.first + share.cases * share.step, share.step)
    warm_up = min(_WARM_UP, share.cases // 10)
    _all(tally, share.seed, numbers[:warm_up])
    before = _resident_mib()
    _all(tally, share.seed, numbers[warm_up:])
    tally.rss_growth_percent = (_resident_mib() / before - 1) * 100
    tally.seconds = time.monotonic() - begun
    return tally


def _all(tally: Tally, seed: int, numbers: Iterable[int]) -> None:
    for number in numbers:
        one(tally, seed, number)
        if tally.cases % _TOLD_EVERY == 0:
            print(f"{os.getpid()}: {tally.cases:,} cases, {tally.broken} broken", flush=True)


def _resident_mib() -> float:
    gc.collect()
    return memory_mib(os.getpid(), "VmRSS")


def shares(seed: int, cases: int, workers: int) -> list[Share]:
    """Every case once."""
    return [
        Share(seed, first, len(range(first, cases, workers)), workers) for first in range(workers)
    ]


def figures(tallies: Sequence[Tally]) -> dict[str, object]:
    """All processes together; memory and the longest case of the worst."""
    cases = sum(tally.cases for tally in tallies)
    understood = sum(tally.understood for tally in tallies)
    return {
        "cases": cases,
        "refused": cases - understood,
        "understood": understood,
        "unauthentic": sum(tally.unauthentic for tally in tallies),
        "sealed": sum(tally.sealed for tally in tallies),
        "opened": sum(tally.opened for tally in tallies),
        "longest_s": round(max(tally.longest_s for tally in tallies), 4),
        "rss_growth_percent": round(max(tally.rss_growth_percent for tally in tallies), 2),
        "per_second": round(cases / max(tally.seconds for tally in tallies)),
        "workers": len(tallies),
    }


def main() -> int:
    """Run the campaign, or repeat one case."""
    chosen = arguments("bodies", __doc__, cases=5_000_000, workers=2, only=-1)
    if chosen.only >= 0:
        tallies = [run(Share(chosen.seed, chosen.only, 1, 1))]
    else:
        with ProcessPoolExecutor(chosen.workers, mp_context=get_context("spawn")) as processes:
            tallies = list(processes.map(run, shares(chosen.seed, chosen.cases, chosen.workers)))
    for tally in tallies:
        print(*tally.shown, sep="\n", end="\n" if tally.shown else "")
    return told("bodies", chosen.seed, sum(tally.broken for tally in tallies), figures(tallies))


if __name__ == "__main__":
    raise SystemExit(main())
