"""What the runbook tells people to do can be done: its commands, names and addresses are those that there are."""

import re
import shlex
import subprocess

import pytest
import yaml

from consumers.grammar import parser
from service.telemetry import metrics
from tests.telemetry.rules import ALERTS, OBSERVABILITY, ROOT, RUNBOOK, rules

TEXT = RUNBOOK.read_text(encoding="utf-8")
QUOTED = [" ".join(one.split()) for one in re.findall(r"`([^`]+)`", TEXT)]
COMMANDS = [one for one in dict.fromkeys(QUOTED) if re.match(r"metriport-ias [a-z-]+( |$)", one)]
LEFT_OUT = {
    "--key-file …": "--key-file keys",
    "webhooks …": "webhooks status",
    "webhooks register": "webhooks register https://ias.example.com/webhooks/metriport --key-file k",
}
"""What a person fills in."""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_runbook_is_one_that_the_tools_take(command: str) -> None:
    for left_out, filled in LEFT_OUT.items():
        command = command.replace(left_out, filled)
    arguments = shlex.split(command)[1:]
    assert parser().parse_args(arguments).role == arguments[0]


def test_the_runbook_has_commands_to_look_at() -> None:
    assert len(COMMANDS) > 8


def test_put_aside_messages_are_replayed_for_nobody_sends_them_again() -> None:
    """A webhook that was put aside was answered 200; Metriport repeats those alone that failed."""
    section = TEXT.split("### IasDeadLetters")[1].split("### ")[0]
    for step in ("list", "show", "replay"):
        assert f"metriport-ias dead-letters {step}" in " ".join(section.split())
    assert "deliver again" not in section


def test_every_log_line_and_metric_that_the_runbook_names_exists() -> None:
    events = yaml.safe_load((OBSERVABILITY / "log-events.yaml").read_text(encoding="utf-8"))
    lines = {one for one in QUOTED if re.fullmatch(r"[a-z_0-9]+\.[a-z_]+", one)}
    assert len(lines) > 20
    assert sorted(lines - events["events"].keys()) == []
    families = [getattr(metrics, name).describe()[0] for name in metrics.__all__]
    there = {f"{one.name}_total" if one.type == "counter" else one.name for one in families}
    named = set(re.findall(r"\bias_[a-z_]+", " ".join(QUOTED)))
    assert len(named) > 10
    assert sorted(named - there) == []


def test_the_address_of_the_runbook_is_put_into_the_rules_as_the_readme_says() -> None:
    readme = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
    (expression,) = re.findall(r"sed '(s\|runbook_url[^']+)'", readme)
    done = subprocess.run(
        ["sed", expression, str(ALERTS)], capture_output=True, text=True, check=True
    )
    found = [
        rule["annotations"]["runbook_url"]
        for group in yaml.safe_load(done.stdout)["groups"]
        for rule in group["rules"]
    ]
    base = "https://git.example.com/metriport-ias/deploy/RUNBOOK.md#"
    assert found == [base + rule["alert"].lower() for rule in rules()]
