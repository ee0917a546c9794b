"""``python -m tests.bench.dispatch``: an hour of backlog of network queries, at ten times speed.

Four gateway replicas, whose clocks are wrong by up to two hours, share Metriport's limit of 20 a minute, in
all and for each source, while replicas are killed and stopped again and again. The double judges: it counts
by fixed minutes and by any 60 seconds. Ends with 1 when a window held more calls than the limit or a query
was accepted twice; how much of the budget was used fails nothing. ``MINUTES``, ``FASTER`` (10 at most) and
``SEED`` can be set.
"""

import asyncio
import io
import json
import os
import sys
import time

from migrations.run import migrate
from tests.bench.dispatch_judge import LIMIT, Judgement
from tests.bench.dispatch_simulation import REPLICAS, Plan, Simulation
from tests.stack.folders import make_folder, remove_folder
from tests.stack.lifetime import Stack
from tests.stack.postgres import EmbeddedPostgres
from tests.stack.signals import Interrupted

DATABASE = "bench_dispatch"
AIM = 0.95


def _plan() -> Plan:
    return Plan(
        minutes=float(os.environ.get("MINUTES", "60")),
        faster=min(10.0, float(os.environ.get("FASTER", "10"))),
        seed=int(os.environ.get("SEED", str(time.time_ns() % 1_000_000))),
    )


def _report(simulation: Simulation, found: Judgement) -> None:
    plan = simulation.plan
    print(
        f"seed {plan.seed}: {found.accepted} accepted of the {LIMIT * plan.minutes:.0f} that {plan.minutes:g} minutes"
        f" allow; {simulation.kills} kills, {simulation.stops} stops; {found.refused} refused as too many"
    )
    word = "met   " if found.budget_used >= AIM else "MISSED"
    print(f"  {word}  at least {AIM} of the budget used: {found.budget_used:.3f}")
    skew = simulation.skew_seconds()
    print(f"the most wrong clock was off by {skew:.1f} s")
    result = {
        "bench": "dispatch",
        "budget_used": round(found.budget_used, 3),
        "windows_over": found.windows_over + found.refused,
        "replicas": REPLICAS,
        "skew_h": round(skew / 3600, 2),
        "kills": simulation.kills,
        "double_calls": found.double_calls,
    }
    print(json.dumps(result), flush=True)


def main() -> int:
    """The command; its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    plan, folder = _plan(), make_folder("bench")
    print(f"seed {plan.seed}: {plan.minutes:g} minutes take {plan.minutes / plan.faster:.1f}")
    try:
        with Stack() as stack:
            postgres = stack.start(EmbeddedPostgres())
            postgres.create_database(DATABASE)
            dsn = postgres.dsn(DATABASE)
            asyncio.run(migrate(dsn))
            simulation = Simulation(plan, dsn, folder)
            found = asyncio.run(simulation.run(stack))
            _report(simulation, found)
    except Interrupted as error:
        return error.exit_code
    finally:
        remove_folder(folder)
    return 1 if found.windows_over or found.refused or found.double_calls else 0


if __name__ == "__main__":
    sys.exit(main())
