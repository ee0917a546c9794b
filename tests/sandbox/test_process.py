"""The sandbox as a process of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent.parent
_COMMAND = [sys.executable, "-W", "error", "-m", "tests.metriport_sandbox"]

pytestmark = pytest.mark.process


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*_COMMAND, "--api-key", "k", "--seed", "1", "--allow-loopback"],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    ) as started:
        yield started
        started.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_answers_and_stops_cleanly(
    process: subprocess.Popen[str], number: signal.Signals
) -> None:
    assert process.stdout is not None
    found = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", process.stdout.readline())
    assert found
    request = urllib.request.Request(f"{found[1]}/settings", headers={"x-api-key": "k"})  # noqa: S310 - our own address
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - as above
        assert json.load(answer)["webhookUrl"] is None
    assert "→ GET /settings 200 [get-settings]" in process.stdout.readline()
    process.send_signal(number)
    _, errors = process.communicate(timeout=10)

    assert process.returncode == 0
    assert errors == ""


def test_help_explains_the_flags_and_the_control_api() -> None:
    shown = subprocess.run(
        [*_COMMAND, "--help"], cwd=_ROOT, capture_output=True, text=True, check=True
    )

    assert "--allow-loopback" in shown.stdout
    assert "/_sandbox/faults" in shown.stdout


def test_it_imports_nothing_of_the_project() -> None:
    code = (
        "import sys, tests.metriport_sandbox.__main__\n"
        "print([m for m in sys.modules if m.split('.')[0] in {'service','consumers','schemas'}])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=_ROOT, capture_output=True, text=True, check=True
    )

    assert shown.stdout.strip() == "[]"
