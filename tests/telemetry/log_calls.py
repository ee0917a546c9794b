"""Every line that the code logs, read from its text: event, level and fields."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import yaml

ROOT: Final = Path(__file__).parents[2]
LISTED: Final = ROOT / "deploy" / "observability" / "log-events.yaml"
LEVELS: Final = {"debug", "info", "warning", "error", "exception", "critical"}
EXPLAINED: Final = frozenset({"error", "at"})
"""What an exception becomes."""


class Event(NamedTuple):
    """One event of the contract."""

    level: str
    fields: frozenset[str]


@cache
def listed() -> dict[str, Event]:
    events = yaml.safe_load(LISTED.read_text(encoding="utf-8"))["events"]
    return {
        name: Event(event["level"], frozenset(event["fields"])) for name, event in events.items()
    }


@cache
def context() -> frozenset[str]:
    """Fields that are bound when a message or a call is in hand."""
    return frozenset(yaml.safe_load(LISTED.read_text(encoding="utf-8"))["context"])


def spoken() -> dict[str, set[Event]]:
    """Every event that the code can log, as its calls stand there."""
    found: dict[str, set[Event]] = {}
    for package in ("service", "consumers", "migrations", "schemas"):
        for file in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            for call in _log_calls(tree):
                for name in _names(call.args[0], tree):
                    found.setdefault(name, set()).add(_event(call))
    return found


def _log_calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in LEVELS
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in {"log", "logger", "logging"}
        ):
            yield node


def _names(said: ast.expr, tree: ast.AST) -> Iterator[str]:
    """The constant, or those that a function's ``event`` is given in its module."""
    if isinstance(said, ast.Constant):
        yield str(said.value)
        return
    assert isinstance(said, ast.Name), f"{ast.unparse(said)} is no constant event name"
    takes = [
        one.name
        for one in ast.walk(tree)
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
        and one.args.args
        and one.args.args[0].arg == said.id
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in takes:
            assert isinstance(node.args[0], ast.Constant), ast.unparse(node)
            yield str(node.args[0].value)


def _event(call: ast.Call) -> Event:
    level = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    fields = {str(keyword.arg) for keyword in call.keywords}
    if level == "exception" or "exc_info" in fields:
        fields = (fields - {"exc_info"}) | EXPLAINED
    return Event("error" if level == "exception" else level, frozenset(fields))
