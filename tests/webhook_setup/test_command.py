"""The command line itself, and an ingress process that takes a rotated key without a restart."""

import asyncio
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumers.grammar import parser
from consumers.main import main
from consumers.webhook_setup.steps import OK
from tests.ingress.opening import KEYS
from tests.ingress.running import NOWHERE, WEBHOOK_PATH
from tests.metriport_sandbox import DEFAULT_API_KEY
from tests.stack.ports import free_ports
from tests.stack.processes import Supervised
from tests.webhook_setup.conftest import PATIENT, Setup, Start

ROOT = Path(__file__).parents[2]
VENDOR = {
    "METRIPORT_API_KEY": DEFAULT_API_KEY,
    "METRIPORT_FACILITY_ID": "0199a001-2b7c-7d10-8e55-0c1d2e3f4a5b",
}
OURS = "https://ias.example.com/webhooks/metriport"


@pytest.fixture
def ingress(tmp_path: Path) -> Iterator[tuple[Supervised, str]]:
    """An ingress with neither Kafka nor Postgres, whose key file holds a key of nobody; its URL."""
    keys = tmp_path / "keys"
    keys.write_text("a-key-that-nobody-signs-with", encoding="utf-8")
    port, internal = free_ports(2)
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "DATABASE_URL": f"postgresql://nobody@{NOWHERE}/none",
        "KAFKA_BOOTSTRAP_SERVERS": NOWHERE,
        "HTTP_PORT": str(port),
        "INTERNAL_PORT": str(internal),
        "DRAIN_DELAY": "0",
        "METRIPORT_WEBHOOK_KEYS_FILE": str(keys),
        "PUBLIC_URL": "https://ias.example.com",
        "RETURN_URL_ALLOWLIST": "https://app.example.com/return",
        **{name: KEYS[name] for name in ("LINK_KEYS", "SEALING_PUBLIC_KEY", "CALLBACK_MAC_KEYS")},
    }
    command = [sys.executable, "-m", "consumers", "ingress"]
    log = tmp_path / "ingress.log"
    with Supervised("ingress", command, env=environment, log_path=log, cwd=ROOT) as process:
        process.wait_ready(f"http://127.0.0.1:{internal}/readyz", within=40.0)
        yield process, f"http://127.0.0.1:{port}{WEBHOOK_PATH}"


async def _run(setup: Setup, *arguments: str) -> tuple[int | None, str]:
    """The command as a process; its exit code and all that it said."""
    await setup.account.read()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "consumers", "webhook", *arguments),
        env={**VENDOR, "METRIPORT_API_URL": setup.sandbox.origin},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


@pytest.mark.process
async def test_a_running_ingress_takes_a_rotated_key(
    start: Start, ingress: tuple[Supervised, str], tmp_path: Path
) -> None:
    """I7: and no key is in what was said or logged."""
    process, url = ingress
    setup, pid, keys = await start(key_rotation="renewed"), process.pid, tmp_path / "keys"
    code, said = await _run(setup, "register", url, "--key-file", str(keys))
    assert (code, stat.S_IMODE(keys.stat().st_mode)) == (0, 0o600)
    assert await setup.verify(PATIENT) == OK
    old = setup.key
    code, more = await _run(setup, "rotate-key", "--key-file", str(keys))
    assert code == 0
    assert keys.read_text(encoding="utf-8").split() == [
        setup.key,
        old,
        "a-key-that-nobody-signs-with",
    ]
    assert await setup.verify(PATIENT) == OK
    assert process.is_running
    assert process.pid == pid
    heard = said + more + process.log_path.read_text(encoding="utf-8")
    assert [key for key in (old, setup.key, DEFAULT_API_KEY) if key in heard] == []


def test_what_cannot_be_done_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {**VENDOR, "METRIPORT_API_URL": f"http://{NOWHERE}"}.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "nowhere" / "keys"
    with pytest.raises(SystemExit) as ended:
        main(["webhook", "register", OURS, "--key-file", str(file)])
    assert ended.value.code == 1
    assert capsys.readouterr().err == f"metriport-ias: {file.parent} cannot be written to\n"


def test_missing_settings_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (*VENDOR, "METRIPORT_API_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as ended:
        main(["webhook", "status"])
    assert ended.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert {line.split()[1] for line in lines} == {*VENDOR, "METRIPORT_API_URL"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["register", OURS],
        ["register", "--key-file", "keys"],
        ["register", "ias.example.com/webhooks/metriport", "--key-file", "keys"],
        ["rotate-key"],
        ["rotate"],
        [],
    ],
)
def test_arguments_that_are_missing_or_wrong_are_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["webhook", *arguments])
    assert ended.value.code == 2
    assert "usage: metriport-ias webhook" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["register", "rotate-key"])
def test_help_says_where_the_key_goes(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["webhook", action, "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "Keys are never printed: they go to the --key-file" in shown
    assert "0600" in shown
