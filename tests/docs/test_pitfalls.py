"""``tests/PITFALLS.md`` is looked up: each test that it names exists, and no line is without one."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TABLE = (ROOT / "tests/PITFALLS.md").read_text(encoding="utf-8")
REQUIREMENTS = (ROOT / "requirements.txt").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[a-z_/]+\.py)::(test_\w+)`", TABLE)))

SECURE_SINCE = {"aiohttp": (3, 14, 3), "aiokafka": (0, 14, 0), "asyncpg": (0, 32, 0)}
"""aiohttp 3.14.3 stopped sending repeated credential headers to where a redirect leads (its CHANGES)."""


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_test_that_the_table_names_exists(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    assert name in {node.name for node in tree.body if isinstance(node, kinds)}


def test_every_line_of_the_table_names_a_test() -> None:
    lines = [line for line in TABLE.splitlines() if re.match(r"\| [A-Z]\d+ \|", line)]
    assert len(lines) > 40
    assert [line for line in lines if "::test_" not in line] == []


@pytest.mark.parametrize("library", SECURE_SINCE)
def test_libraries_are_no_older_than_their_last_security_fix(library: str) -> None:
    (found,) = re.findall(rf"^{library}==([\d.]+)", REQUIREMENTS, re.MULTILINE)
    assert tuple(map(int, found.split("."))) >= SECURE_SINCE[library]


def test_no_other_event_loop_is_installed() -> None:
    """uvloop before 0.23 let answers cross to other clients under load; nothing here needs its speed."""
    assert "aiohttp==" in REQUIREMENTS
    assert "uvloop" not in REQUIREMENTS
