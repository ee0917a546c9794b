"""The figures, for a person, and one line for a machine."""

import json
import statistics
from collections.abc import Mapping, Sequence

from tests.bench.figures import Round, Shots, median_rps

AIM_TO_BARE = 0.55
AIM_TO_SAMPLE = 1.5
AIM_P99_MS = 25.0
AIM_FROZEN_MS = 3_500.0


def closed(rounds: Mapping[str, Sequence[Round]]) -> None:
    """Throughput and latencies at full load."""
    print(f"\n{'at full load':24}{'rps':>8}{'p50 ms':>10}{'p99 ms':>10}   rounds (rps)")
    for name, all_of in rounds.items():
        each = " ".join(f"{one.rps:.0f}" for one in all_of)
        p50 = statistics.median(one.p50_ms for one in all_of)
        p99 = statistics.median(one.p99_ms for one in all_of)
        print(f"{name:24}{median_rps(all_of):8.0f}{p50:10.1f}{p99:10.1f}   {each}")


def paced(runs: Mapping[str, Sequence[Shots]], rate: float) -> None:
    """Latencies at the fixed rate; p50 and p99 are medians of the runs, p99.9 is of all together."""
    print(f"\n{f'at {rate:.0f} requests/s':24}{'p50 ms':>8}{'p99 ms':>10}{'p99.9':>10}{'max':>10}")
    for name, shots in runs.items():
        p50, p99 = (p_ms(shots, percent) for percent in (50.0, 99.0))
        together = Shots.all_of(shots)
        tail = f"{together.percentile_ms(99.9):10.1f}{together.slowest_ms:10.1f}"
        print(f"{name:24}{p50:8.1f}{p99:10.1f}{tail}   {answers(together)}")
    everything = Shots.all_of([shots for each in runs.values() for shots in each])
    print(f"  the generator was late itself by {everything.late_ms(99):.1f} ms at p99")


def frozen(shots: Shots, rate: float, seconds: float) -> bool:
    """Answers while the broker stood still; whether they are as they must be."""
    print(f"\nbroker frozen for {seconds:.0f} s, {rate:.0f} webhooks/s")
    print(
        f"  p50 {shots.percentile_ms(50):.0f} ms, p99 {shots.percentile_ms(99):.0f} ms,"
        f" slowest {shots.slowest_ms:.0f} ms; {answers(shots)}"
    )
    fine = shots.is_clean and shots.slowest_ms <= AIM_FROZEN_MS
    aim(f"all 200 within {AIM_FROZEN_MS / 1e3:g} s", "so it was" if fine else "not so", met=fine)
    return fine


def p_ms(runs: Sequence[Shots], percent: float) -> float:
    """The median of the runs' percentiles."""
    return statistics.median(run.percentile_ms(percent) for run in runs)


def answers(shots: Shots) -> str:
    """How many of each status."""
    counted = sorted(shots.statuses.items())
    return ", ".join(f"{number} x {status or 'no answer'}" for status, number in counted)


def aim(what: str, measured: str, *, met: bool) -> None:
    """One aim and whether it is met."""
    print(f"  {'met   ' if met else 'MISSED'}  {what}: {measured}")


def last_line(to_bare: float, to_sample: float, to_least: float, p99_ms: float, rps: float) -> None:
    """The result for machines."""
    result = {
        "bench": "ingress",
        "ratio_to_bare": round(to_bare, 3),
        "ratio_to_sample": round(to_sample, 3),
        "ratio_to_least_durable": round(to_least, 3),
        "p99_ms_at_half_peak": round(p99_ms, 1),
        "rps": round(rps),
    }
    print(json.dumps(result), flush=True)
