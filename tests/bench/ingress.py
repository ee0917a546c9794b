"""``python -m tests.bench.ingress``: our ingress beside a bare handler and the vendor's sample.

All run the whole time; load goes to one of them at a time, in rounds A B C D A B C D. A ratio is
taken within a round, and the median of the rounds is reported. Ends with 1 when an answer of ours was
not 200, or fewer webhooks are in the stores than were answered with 200; figures alone fail nothing.
"""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tests.bench import bodies, closed, report
from tests.bench.contenders import Arena, Contender
from tests.bench.figures import Round, Shots, median_rps, ratio
from tests.stack.folders import make_folder, remove_folder
from tests.stack.lifetime import Stack
from tests.stack.signals import Interrupted

ROUNDS = 12
ROUND_SECONDS = 1
PACED_ROUNDS = 3
PACED_SECONDS = 4
FROZEN_SECONDS = 30
FROZEN_RATE = 100

Measured = TypeVar("Measured")


class Bench:
    """One run of everything."""

    def __init__(self, arena: Arena, file: Path) -> None:
        self._arena = arena
        self._file = file
        self._answered = 0
        """Webhooks that ours answered with 200."""
        self._clean = True

    def run(self) -> bool:
        """Measure and report; whether ours kept what it must keep."""
        arena = self._arena
        rounds = self._closed()
        report.closed({one.name: rounds[one] for one in arena.all})
        rps = median_rps(rounds[arena.ours])
        to_bare = ratio(rounds[arena.ours], rounds[arena.bare])
        to_sample = ratio(rounds[arena.ours], rounds[arena.sample])
        to_least = ratio(rounds[arena.ours], rounds[arena.least])
        runs = self._paced(rps / 2)
        report.paced({one.name: runs[one] for one in arena.all}, rps / 2)
        p99_ms = report.p_ms(runs[arena.ours], 99)
        print()
        at_least, below = report.AIM_TO_BARE, report.AIM_P99_MS
        report.aim(f"(c) at least {at_least} of (a)", f"{to_bare:.2f}", met=to_bare >= at_least)
        at_least = report.AIM_TO_SAMPLE
        report.aim(f"(c) at least {at_least} of (b)", f"{to_sample:.2f}", met=to_sample >= at_least)
        print(f"          (c) to (d): {to_least:.2f}")
        what = f"p99 of (c) at half of its peak below {below:g} ms"
        report.aim(what, f"{p99_ms:.1f} ms", met=p99_ms < below)
        if arena.broker.is_ours:
            for rate in (FROZEN_RATE, round(rps / 2)):
                shots = self._frozen(rate)
                self._clean &= report.frozen(shots, rate, FROZEN_SECONDS)
        else:
            print("\nThe broker is not ours to freeze: that part is left out.")
        self._clean &= self._kept_all()
        print()
        report.last_line(to_bare, to_sample, to_least, p99_ms, rps)
        return self._clean

    def _closed(self) -> dict[Contender, list[Round]]:
        for one in self._arena.all:
            self._count(one, closed.measure(one.port, self._file, 1))  # warm-up
        return self._interleaved(ROUNDS, self._one_closed)

    def _one_closed(self, one: Contender) -> Round:
        measured = closed.measure(one.port, self._file, ROUND_SECONDS)
        self._count(one, measured)
        return measured

    def _count(self, one: Contender, measured: Round) -> None:
        if not measured.is_clean:
            print(f"  {one.name}: {measured.not_200} not 200, {measured.failed} failed")
        if one is self._arena.ours:
            self._answered += measured.answers - measured.not_200
            self._clean &= measured.is_clean

    def _paced(self, rate: float) -> dict[Contender, list[Shots]]:
        def one_paced(one: Contender) -> Shots:
            shots = self._arena.paced(one, self._file, rate, PACED_SECONDS)
            if one is self._arena.ours:
                self._answered += shots.statuses[200]
                self._clean &= shots.is_clean
            return shots

        return self._interleaved(PACED_ROUNDS, one_paced)

    def _frozen(self, rate: float) -> Shots:
        arena = self._arena
        arena.broker.freeze()
        try:
            shots = arena.paced(arena.ours, self._file, rate, FROZEN_SECONDS)
        finally:
            arena.broker.thaw()
        self._answered += shots.statuses[200]
        return shots

    def _kept_all(self) -> bool:
        """Records may be there twice, after a timeout; never less than once."""
        broker, spool = self._arena.in_broker(), self._arena.in_spool()
        kept = broker + spool >= self._answered
        measured = f"{self._answered} answered, {broker} in the broker, {spool} in the spool"
        report.aim("every webhook answered with 200 is kept", measured, met=kept)
        return kept

    def _interleaved(
        self, rounds: int, measure: Callable[[Contender], Measured]
    ) -> dict[Contender, list[Measured]]:
        measured: dict[Contender, list[Measured]] = {one: [] for one in self._arena.all}
        for _ in range(rounds):
            for one in self._arena.all:
                measured[one].append(measure(one))
        return measured


def main() -> int:
    """The command; its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # also when CI reads it through a pipe
    folder = make_folder("bench")
    try:
        with Stack() as stack:
            print("starting Postgres, the broker and the servers; all takes 4 minutes")
            arena = Arena(stack, folder).start()
            file = folder / "bodies"
            bodies.write(file, arena.settings.webhook_key)
            print(
                f"load: {closed.generator()}; {bodies.COUNT} signed bodies of {bodies.SIZE} bytes"
            )
            clean = Bench(arena, file).run()
    except Interrupted as error:
        return error.exit_code
    finally:
        remove_folder(folder)
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
