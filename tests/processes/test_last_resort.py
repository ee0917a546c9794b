"""A process that cannot end in good order is ended, so that somebody starts it again (I4)."""

import json
import subprocess
import sys

import pytest

from tests.stack.ports import free_port

HANGS = """
import asyncio, os
from contextlib import asynccontextmanager
from consumers.processes import lifecycle
from service.settings.groups import Process
from service.settings.reader import Reader
from service.telemetry import logs

lifecycle.LAST_SECONDS = 0.3

async def dies():
    raise ConnectionError

async def drained():
    pass

@asynccontextmanager
async def role():
    task = asyncio.create_task(dies(), name="dies")
    yield lifecycle.Running(name="role", tasks=[task], readiness=dict, drain=drained)
    await asyncio.Event().wait()  # as a pool whose connection is never given back

logs.configure("json", "info")
asyncio.run(lifecycle.run(Process.read(Reader(os.environ)), [role()]))
"""


@pytest.mark.process
def test_what_hangs_after_a_task_died_does_not_keep_the_process() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HANGS],
        env={"INTERNAL_PORT": str(free_port()), "DRAIN_DELAY": "0"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    told = [json.loads(line)["event"] for line in (ended.stdout + ended.stderr).splitlines()]
    assert told[-2:] == ["process.task_died", "process.did_not_end"]
