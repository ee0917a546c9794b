"""The assumptions' ids are where they belong: beside the code, in the documents, in the expectations."""

import re
from pathlib import Path

from service.assumed import expected
from service.assumed.markdown import table
from service.assumed.table import ASSUMPTIONS, BY_ID

ROOT = Path(__file__).parents[2]
ID = re.compile(r"\bA\d\d\b")
CODE = ("schemas", "service", "consumers")
DEPLOY = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")


def mentions() -> dict[str, set[str]]:
    """Every id that the code names, by module; what holds the table itself is not code that relies on it."""
    found = {}
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(("service/assumed/", "consumers/observing/")):
                ids = set(ID.findall(path.read_text(encoding="utf-8")))
                if ids:
                    found[name] = ids
    return found


def test_ids_are_counted_without_a_gap() -> None:
    assert [one.id for one in ASSUMPTIONS] == [f"A{n:02}" for n in range(1, len(ASSUMPTIONS) + 1)]


def test_each_assumption_is_named_beside_the_code_that_relies_on_it() -> None:
    named = mentions()
    missing = [
        (one.id, path)
        for one in ASSUMPTIONS
        for path in one.relied_on
        if one.id not in named.get(path, set())
    ]
    assert missing == []
    assert [one.id for one in ASSUMPTIONS if not one.relied_on] == []


def test_every_id_in_the_code_is_in_the_table_and_listed_there() -> None:
    strays = [
        (path, name)
        for path, ids in mentions().items()
        for name in ids
        if name not in BY_ID or path not in BY_ID[name].relied_on
    ]
    assert strays == []


def test_every_expectation_belongs_to_an_assumption() -> None:
    tables = (expected.WEBHOOKS, expected.REDIRECTS, expected.ANSWERS)
    wanted = [one for table_ in tables for one in table_.values()] + [expected.ENVELOPE]
    owners = {name for one in wanted for name in (one.assumption, *one.owners.values())}
    assert owners <= BY_ID.keys()


def test_the_documents_show_the_table_as_it_is() -> None:
    shown = DEPLOY.split("<!-- assumptions:begin -->")[1].split("<!-- assumptions:end -->")[0]
    assert shown.strip() == table()
