"""A small session of the local stack, run as a program by the tests of interruption.

Starts Postgres, the broker and a child, prints what must be gone later, and waits for a signal.
With the argument ``slow``, the child takes its time to obey SIGTERM.
"""

import json
import os
import signal
import sys
from pathlib import Path

from tests.stack.broker import EmbeddedBroker
from tests.stack.lifetime import Stack
from tests.stack.postgres import EmbeddedPostgres
from tests.stack.processes import Supervised
from tests.stack.signals import Interrupted

CHILD = """
import pathlib, signal, sys, threading
def leave(*_):
    print("asked", flush=True)
    threading.Event().wait(float(sys.argv[1]))
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print("ready", flush=True)
while True:
    signal.pause()
"""


def main(log: Path, slowness: str) -> None:
    """Run until interrupted."""
    with Stack() as stack:
        postgres = stack.start(EmbeddedPostgres())
        broker = stack.start(EmbeddedBroker())
        command = [sys.executable, "-c", CHILD, slowness]
        child = stack.start(Supervised("child", command, env={}, log_path=log))
        child.wait_ready(lambda: "ready" in child.log_tail())
        backends = postgres.execute(
            "select pid from pg_stat_activity where pid <> pg_backend_pid()"
        ).split()
        pids = [os.getpid(), postgres.pid, broker.pid, child.pid, *map(int, backends)]
        folders = [str(postgres.folder), str(broker.folder)]
        sys.stdout.write(json.dumps({"pids": pids, "folders": folders}) + "\n")
        sys.stdout.flush()
        while True:
            signal.pause()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), sys.argv[2])
    except Interrupted as interrupted:
        sys.exit(interrupted.exit_code)
