"""A tool whose Postgres or Kafka is not there says so in one line, and never what it would have logged in with.

I7: a traceback shows the values of a function's names where ``rich`` is installed, and the password of the
database is one of them. Run as processes, because what a process does before its logs are set up is the point.
"""

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from service.settings.roles import Role
from tests.command_line.commands import SERVING, commands
from tests.settings.environment import CANARY, REQUIRED
from tests.stack.ports import free_port
from tests.support.settings import SEALING_PRIVATE_KEY, SEALING_PUBLIC_KEY

ROOT = Path(__file__).parents[2]
USER = "somebody-of-the-database"
POSTGRES = {
    "audit expired": [],
    "audit export": [],
    "audit head": [],
    "audit verify": [],
    "dispatch pause": [],
    "dispatch resume": [],
    "dispatch status": [],
    "flow show": ["--subject", "somebody"],
    "migrate": [],
    "reencrypt": [],
    "webhooks replay": ["--since", "1h"],
}
"""What meets Postgres first, with the arguments that it cannot do without."""

KAFKA = {
    "dead-letters list": [],
    "dead-letters replay": ["some-id"],
    "dead-letters show": ["some-id"],
    "observe": [],
    "topics apply": [],
    "topics check": [],
}
"""What meets Kafka first."""

NEITHER = {
    "keys": "it asks the machine's randomness alone",
    "settings": "it prints what is built in",
    "topics acls": "it prints what is built in",
    "topics strimzi": "it prints what is built in",
    "doctor": "it finds out what is not there: below",
    "webhooks register": "it asks Metriport",
    "webhooks rotate-key": "it asks Metriport",
    "webhooks status": "it asks Metriport",
    "webhooks verify": "it asks Metriport",
}
"""Why there is nothing to reach."""


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """The settings of every role, where nothing listens, with a canary for the database's password."""
    nowhere = f"127.0.0.1:{free_port()}"
    url = f"postgresql://{USER}:{CANARY}@{nowhere}/ias"
    wanted = [REQUIRED[role] for role in (Role.TOOLS, Role.AUDIT, Role.CONSUMERS)]
    return {
        "PATH": os.environ["PATH"],
        **{name: value for one in wanted for name, value in one.items()},
        "DATABASE_URL": url,
        "MIGRATION_DATABASE_URL": url,
        "KAFKA_BOOTSTRAP_SERVERS": nowhere,
        "SEALING_PRIVATE_KEYS": _text(SEALING_PRIVATE_KEY),
        "SEALING_PUBLIC_KEY": _text(SEALING_PUBLIC_KEY),
    }


def run(
    command: str, arguments: list[str], environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "consumers", *command.split(), *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def says_no_secret(ended: subprocess.CompletedProcess[str]) -> None:
    said = ended.stdout + ended.stderr
    for secret in (CANARY, USER, "postgresql://"):
        assert secret not in said
    assert "Traceback" not in said
    assert "locals" not in said
    assert "password" not in said


def test_every_command_is_held_by_a_test_here() -> None:
    held = [*POSTGRES, *KAFKA, *NEITHER, *SERVING]
    assert sorted(held) == sorted(commands())


@pytest.mark.parametrize("command", POSTGRES)
def test_postgres_that_is_not_there_is_told_in_one_line_and_ends_with_1(
    command: str, environment: dict[str, str]
) -> None:
    ended = run(command, POSTGRES[command], environment)
    says_no_secret(ended)
    setting = "MIGRATION_DATABASE_URL" if command == "migrate" else "DATABASE_URL"
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.fullmatch(
        rf"metriport-ias: Postgres .*\(ConnectionRefusedError\): see that .* {setting} .*run this again\n",
        ended.stderr,
    )


@pytest.mark.parametrize("command", [*KAFKA, "audit verify", "dispatch status"])
def test_kafka_that_is_not_there_is_told_in_one_line_and_ends_with_1(
    command: str, environment: dict[str, str]
) -> None:
    arguments = KAFKA.get(command, ["--heads", "kafka"])
    ended = run(command, arguments, environment)
    says_no_secret(ended)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.fullmatch(
        r"metriport-ias: .*Kafka .*\(.*KafkaConnectionError\): see that .*KAFKA_BOOTSTRAP_SERVERS .*\n",
        ended.stderr,
    )


def test_the_doctor_tells_it_as_what_is_wrong_with_what_to_do(environment: dict[str, str]) -> None:
    ended = run("doctor", ["--json"], environment)
    says_no_secret(ended)
    assert (ended.returncode, ended.stderr) == (1, "")
    found = {one["check"]: one for one in json.loads(ended.stdout)["findings"]}
    for check, setting in (
        ("kafka.reachable", "KAFKA_BOOTSTRAP_SERVERS"),
        ("postgres.reachable", "DATABASE_URL"),
    ):
        assert found[check]["verdict"] == "wrong"
        assert setting in found[check]["todo"]


@pytest.mark.parametrize("log_format", ["json", "console", "xml", ""])
def test_what_nobody_expected_is_told_by_type_and_place_in_whatever_form(
    log_format: str, environment: dict[str, str]
) -> None:
    """There is no such port, which a socket says in a way of its own."""
    url = f"postgresql://{USER}:{CANARY}@127.0.0.1:99999/ias"
    odd = {"LOG_FORMAT": log_format, "MIGRATION_DATABASE_URL": url}
    ended = run("migrate", [], environment | odd)
    says_no_secret(ended)
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert "process.crashed" in line
    assert line.startswith("{") == (log_format == "json")
