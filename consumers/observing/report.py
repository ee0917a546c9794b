"""What was seen, what of it differs from what is assumed, and what was not met with yet. Pure functions."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from http import HTTPStatus

import msgspec

from service.assumed import expected
from service.assumed.comparing import Difference, Origin, Seen, compare
from service.assumed.table import ASSUMPTIONS, BY_ID


class Standing(StrEnum):
    """How an assumption stands."""

    HOLDS = "holds"
    DIFFERS = "differs"
    NOT_SEEN = "not seen"


class Observed(msgspec.Struct, frozen=True):
    """One kind of message: how many of it in how many shapes, and all of their paths together."""

    origin: Origin
    name: str
    status: int | None
    content_type: str | None
    count: int
    shapes: int
    paths: dict[str, list[str]]


class Report(msgspec.Struct, frozen=True):
    """Everything that ``observe`` tells."""

    observed: list[Observed]
    differences: list[Difference]
    assumptions: dict[str, Standing]
    unread: dict[str, int]


def report(seen: Iterable[Seen], unread: Mapping[str, int]) -> Report:
    """Hold what was seen against what is assumed."""
    counted = Counter[bytes](msgspec.json.encode(one) for one in seen)
    distinct = {raw: msgspec.json.decode(raw, type=Seen) for raw in counted}
    differences = sorted({one for shape in distinct.values() for one in compare(shape)}, key=_order)
    differing = {one.assumption for one in differences}
    met = {name for shape in distinct.values() for name in concerned(shape)}
    standings = {one.id: _standing(one.id, differing=differing, met=met) for one in ASSUMPTIONS}
    return Report(_observed(counted, distinct), differences, standings, dict(unread))


def _standing(name: str, *, differing: set[str], met: set[str]) -> Standing:
    if name in differing:
        return Standing.DIFFERS
    return Standing.HOLDS if name in met else Standing.NOT_SEEN


def concerned(seen: Seen) -> set[str]:
    """The assumptions that a message of this kind is about."""
    if seen.origin is Origin.ANSWER and (seen.status or 0) >= HTTPStatus.MULTIPLE_CHOICES:
        about_session = seen.name == "start_network_query"
        return {expected.ENVELOPE.assumption} | ({"A08"} if about_session else set())
    tables = {
        Origin.WEBHOOK: expected.WEBHOOKS,
        Origin.REDIRECT: expected.REDIRECTS,
        Origin.ANSWER: expected.ANSWERS,
    }
    wanted = tables[seen.origin].get(seen.name)
    if wanted is None:
        return set()
    return {wanted.assumption} | {
        owner for path, owner in wanted.owners.items() if path in seen.shape
    }


def _observed(counted: Counter[bytes], distinct: Mapping[bytes, Seen]) -> list[Observed]:
    kinds: dict[tuple[str, ...], list[bytes]] = {}
    for raw, seen in distinct.items():
        key = (seen.origin.value, seen.name, str(seen.status or ""), seen.content_type or "")
        kinds.setdefault(key, []).append(raw)
    return [
        _together(counted, [(raw, distinct[raw]) for raw in kinds[key]]) for key in sorted(kinds)
    ]


def _together(counted: Counter[bytes], shapes: list[tuple[bytes, Seen]]) -> Observed:
    paths: dict[str, set[str]] = {}
    for _, seen in shapes:
        for path, kinds in seen.shape.items():
            paths.setdefault(path, set()).update(kinds)
    first = shapes[0][1]
    return Observed(
        first.origin,
        first.name,
        first.status,
        first.content_type,
        sum(counted[raw] for raw, _ in shapes),
        len(shapes),
        {path: sorted(kinds) for path, kinds in sorted(paths.items())},
    )


def lines(told: Report, *, with_shapes: bool) -> Iterator[str]:
    """The report for a person."""
    for one in told.observed:
        status = "" if one.status is None else f" {one.status} {one.content_type}"
        yield f"{one.origin} {one.name}{status}: {one.count} seen, {one.shapes} shapes"
        if with_shapes:
            yield from (f"    {path}: {' '.join(kinds)}" for path, kinds in one.paths.items())
    for reason, count in told.unread.items():
        yield f"webhooks not looked at: {count} ({reason})"
    for odd in told.differences:
        yield f"DIFFERS {odd.assumption} {odd.origin} {odd.name} {odd.path}: {odd.found}, not {odd.wanted}"
    for name in sorted({odd.assumption for odd in told.differences}):
        yield f"    {name} assumed: {BY_ID[name].text}"
        yield f"    {name} otherwise: {BY_ID[name].otherwise}"
    for standing in Standing:
        ids = [name for name, how in told.assumptions.items() if how is standing]
        yield f"{standing.value}: {' '.join(ids) or 'none'}"


def _order(one: Difference) -> tuple[str, ...]:
    return (one.assumption, one.origin.value, one.name, one.path, one.found)
