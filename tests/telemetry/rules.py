"""The alert rules and the dashboard as data: their expressions, and the names that those use."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import promql_parser
import yaml

ROOT: Final = Path(__file__).parents[2]
OBSERVABILITY: Final = ROOT / "deploy" / "observability"
ALERTS: Final = OBSERVABILITY / "alerts.yaml"
DASHBOARD: Final = OBSERVABILITY / "dashboard.json"
RUNBOOK: Final = ROOT / "deploy" / "RUNBOOK.md"
COMPONENT: Final = ROOT / "deploy" / "kustomize" / "components" / "monitoring"

Rule = dict[str, Any]


class Used(NamedTuple):
    """A series that an expression reads, and the labels that it asks of it."""

    name: str
    labels: frozenset[str]
    values: frozenset[tuple[str, str]]
    """Labels that must be equal to something."""
    grows: bool
    """Whether it is asked how much it grew."""


def groups() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return found


def rules() -> list[Rule]:
    return [rule for group in groups() for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    """Every panel of the dashboard that draws something."""
    found = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def used(expression: str) -> list[Used]:
    """Every series that the expression reads. Labels it groups by count for each that it shows."""
    tree = promql_parser.parse(expression)
    grouped = frozenset(_grouping(tree))
    return [
        Used(
            selector.name,
            frozenset(one.name for one in selector.matchers.matchers)
            | (frozenset() if aside else grouped),
            frozenset(
                (one.name, one.value)
                for one in selector.matchers.matchers
                if one.op == promql_parser.MatchOp.Equal
            ),
            grows,
        )
        for selector, aside, grows in _selectors(tree)
    ]


def _parts(node: Any) -> Iterator[Any]:
    for name in ("lhs", "rhs", "expr", "args", "param", "vector_selector"):
        part = getattr(node, name, None)
        yield from part if isinstance(part, list) else [part] if hasattr(part, "prettify") else []


def _selectors(
    node: Any, *, aside: bool = False, grows: bool = False
) -> Iterator[tuple[Any, bool, bool]]:
    """Each with whether it only lets others through, and whether its growth is asked for."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node, aside, grows
    only_lets_through = str(getattr(node, "op", "")) in {"and", "unless"}
    for number, part in enumerate(_parts(node)):
        yield from _selectors(
            part,
            aside=aside or (only_lets_through and number == 1),
            grows=isinstance(node, promql_parser.MatrixSelector),
        )


def _grouping(node: Any) -> Iterator[str]:
    modifier = getattr(node, "modifier", None)
    yield from getattr(modifier, "labels", None) or ()
    for part in _parts(node):
        yield from _grouping(part)
