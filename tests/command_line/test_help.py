"""Every tool teaches: what it is for, an example that can be parsed, and how it ends."""

import re
import shlex
import subprocess
import sys

import pytest

from consumers.main import main, parser

COMMANDS = (
    "doctor",
    "dead-letters list",
    "dead-letters show",
    "dead-letters replay",
    "webhooks replay",
    "flow show",
    "observe",
)


def help_of(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args([*command.split(), "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_tells_its_purpose_an_example_and_its_exit_codes(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = help_of(command, capsys)
    assert "--json" in shown
    assert re.search(r"exit codes:\n  0  .+\n  1  .+\n  2  wrong arguments", shown)
    example = re.search(r"example:\n  metriport-ias (.+)\n", shown)
    assert example is not None
    options = parser().parse_args(shlex.split(example[1]))
    assert options.role == command.split(maxsplit=1)[0]


@pytest.mark.parametrize("command", [one for one in COMMANDS if one != "doctor"])
def test_missing_settings_end_with_2_all_named(
    command: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "SEALING_PRIVATE_KEYS"):
        monkeypatch.delenv(name, raising=False)
    more = {
        "dead-letters show": ["some-id"],
        "dead-letters replay": ["some-id"],
        "webhooks replay": ["--since", "1h"],
        "flow show": ["--subject", "somebody"],
    }
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), *more.get(command, [])])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "DATABASE_URL is missing" in said
    assert "SEALING_PRIVATE_KEYS is missing" in said


def test_only_the_migration_loads_what_migrates() -> None:
    """It is a third of the start of a process, in every pod that starts."""
    code = "import sys, consumers.main; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
