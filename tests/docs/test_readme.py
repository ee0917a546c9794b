"""What the documents promise is looked up in the code."""

import ast
import json
import re
from pathlib import Path

import pytest

from schemas.commands import RequestRecords
from schemas.events import RecordRequestUpdated
from schemas.problems import decode
from service.settings.table import table

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = ["README.md", "THREAT_MODEL.md", "CHANGELOG.md", "deploy/README.md"]


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


def test_the_python_that_the_readme_shows_compiles() -> None:
    (shown,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    ast.parse(shown)


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
