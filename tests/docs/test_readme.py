"""What the documents promise is looked up in the code."""

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from schemas.client import decode_command
from schemas.commands import RequestRecords, StartIdentityVerification
from schemas.events import RecordRequestUpdated
from schemas.problems import decode
from service.settings.table import table
from tests.testing.cast import BACK, Member

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
DOCUMENTS = [
    "README.md",
    "THREAT_MODEL.md",
    "CHANGELOG.md",
    "deploy/README.md",
    "deploy/RUNBOOK.md",
]


def test_the_settings_table_is_what_the_code_reads() -> None:
    shown = README.split("<!-- settings:begin -->")[1].split("<!-- settings:end -->")[0]
    assert shown.strip() == table()


def test_every_make_target_that_the_readme_names_exists_and_has_a_sentence() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z-]+)`", README)) | set(
        re.findall(r"^make ([a-z-]+)", README, re.MULTILINE)
    )
    assert named >= {"run", "test", "up"}
    for target in named:
        assert re.search(rf"^{target}:.*## [A-Z].*\.$", makefile, re.MULTILINE), target


def test_every_make_target_has_one_sentence() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z][a-z-]+):(.*)$", makefile, re.MULTILINE)
    assert len(targets) > 10
    assert [name for name, rest in targets if " ## " not in rest] == []


def test_the_command_that_the_readme_shows_is_valid() -> None:
    quoted = re.search(r"echo '(\{.*?\})' \| tr", README, re.DOTALL)
    assert quoted is not None
    command = decode(quoted.group(1).replace("\n", "").encode(), RequestRecords)
    assert command.demographics is not None


def read_me(number: int) -> dict[str, Any]:
    """What one of the README's pieces of Python defines, run as it stands."""
    defined: dict[str, Any] = {}
    exec(compile(SHOWN[number], "README.md", "exec"), defined)  # noqa: S102 - our own text
    return defined


def test_the_python_that_the_readme_shows_is_typed_as_strictly_as_the_code(tmp_path: Path) -> None:
    shown = []
    for number, text in enumerate(SHOWN):
        (tmp_path / f"shown_{number}.py").write_text(text, encoding="utf-8")
        shown.append(str(tmp_path / f"shown_{number}.py"))
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", *shown],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


async def test_the_command_that_the_readme_sends_is_one_that_the_service_reads() -> None:
    sent: list[Any] = []

    class Producer:
        async def send_and_wait(self, **record: Any) -> None:
            sent.append(decode_command(record["headers"], record["value"]))

    await read_me(0)["request_records"](Producer(), "user-42", "patient-1")
    assert [type(one.message) for one in sent] == [RequestRecords]


async def test_the_reader_of_the_readme_reads_what_the_double_tells(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = read_me(2)
    ann = Member(shown["double"]).registered()
    shown["ask_for_proof"](
        ann.make(StartIdentityVerification, patient_id=ann.patient_id, return_url=BACK)
    )
    assert ann.names() == ["PatientRegistered", "UserActionRequired", "IdentityVerified"]
    told = [SimpleNamespace(**record) for record in ann.double.records()] * 2

    async def records() -> AsyncIterator[Any]:
        for record in told:
            yield record

    capsys.readouterr()
    await read_me(1)["listen"](records())
    assert capsys.readouterr().out.count("show ann the link") == 1


def test_the_event_that_the_readme_shows_is_json() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    assert json.loads(shown)["sequence"] == 1
    assert decode(shown.encode(), RecordRequestUpdated).deadline is not None


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_within_the_project_leads_somewhere(document: str) -> None:
    path = ROOT / document
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_every_test_folder_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"`(tests/[a-z_]+)`", README))
    assert named
    assert [name for name in named if not (ROOT / name).is_dir()] == []
