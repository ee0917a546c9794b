"""Every command teaches: what it is for, an example that can be parsed, how it ends, and what a program reads.

The commands are those of the grammar itself, so that none can be forgotten.
"""

import re
import shlex
import subprocess
import sys

import pytest

from consumers.grammar import parser
from consumers.main import main
from service.settings.roles import Role, describe
from tests.command_line.commands import SERVING, commands, groups

WITHOUT_JSON = {
    **dict.fromkeys(SERVING, "it prints log lines, which LOG_FORMAT makes JSON"),
    "audit expired": "it prints SQL to run",
    "audit export": "each of its lines is JSON",
    "audit head": "its one line is JSON, as --heads reads it",
    "keys": "it prints NAME=value lines to keep",
    "migrate": "it prints nothing",
    "settings": "it prints a part of the README",
    "topics strimzi": "it prints YAML for kubectl",
}
"""Why there is nothing more for a program to read."""

WITHOUT_SETTINGS = {"keys", "settings", "topics acls", "topics strimzi"}
FINDS_OUT = {"doctor"}
"""What is missing is what it is for; with --role it ends with 2, as tests/doctor holds."""


def help_of(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args([*name.split(), "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


def example_of(shown: str) -> list[str]:
    found = re.search(r"^example:\n  metriport-ias (.+)$", shown, re.MULTILINE)
    assert found is not None
    return shlex.split(found[1])


@pytest.mark.parametrize("name", groups())
def test_a_group_of_commands_says_what_it_is_for(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    about = help_of(name, capsys).split("\n\n")[1]
    assert re.match(r"[A-Z].+\.$", about, re.DOTALL)


@pytest.mark.parametrize("name", commands())
def test_help_tells_its_purpose_an_example_and_its_exit_codes(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = help_of(name, capsys)
    assert re.match(r"[A-Z].+\.$", shown.split("\n\n")[1], re.DOTALL)
    assert re.search(
        r"^exit codes:\n  0  .+\n(  1  .+\n)?  2  wrong arguments.*\n\Z", shown, re.MULTILINE
    )
    example = example_of(shown)
    parser().parse_args(example)
    assert " ".join(example).startswith(name)


@pytest.mark.parametrize("name", commands())
def test_a_program_can_read_what_it_prints_unless_there_is_a_reason(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ("--json" in help_of(name, capsys)) is (name not in WITHOUT_JSON)


def test_no_reason_is_given_for_a_command_that_is_not_there() -> None:
    assert commands().keys() >= WITHOUT_JSON.keys() | WITHOUT_SETTINGS | FINDS_OUT


@pytest.mark.parametrize("name", sorted(commands().keys() - WITHOUT_SETTINGS - FINDS_OUT))
def test_missing_settings_end_with_2_all_named(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting in {one.name for role in Role for one in describe(role)}:
        monkeypatch.delenv(setting, raising=False)
        monkeypatch.delenv(f"{setting}_FILE", raising=False)
    example = example_of(help_of(name, capsys))
    with pytest.raises(SystemExit) as ended:
        main(example)
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert all(re.match(r"metriport-ias: [A-Z_]+ is missing \(", line) for line in err.splitlines())
    assert err


def test_only_the_migration_loads_what_migrates() -> None:
    """It is a third of the start of a process, in every pod that starts."""
    code = "import sys, consumers.main; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
