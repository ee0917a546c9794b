"""What the judge of the rows takes for broken, and a small run of all of it."""

import random
from typing import Any

import pytest

from service.crypto.keys import MissingKeyError, UnknownKeyError
from tests.stack.postgres import EmbeddedPostgres

from .rows import Ended, Sizes, broken, is_found, run
from .rows_chain import Tampering
from .rows_keys import is_refused

KEPT: dict[str, Any] = {
    "rows": 9,
    "chain_checked": 9,
    "false_alarms": 0,
    "tampered": 3,
    "tampering_found": 3,
    "rewrapped_rows": 9,
    "left_under_old_key": 0,
    "swapped": 4,
    "swapped_refused": 4,
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("chain_checked", 8),
        ("false_alarms", 1),
        ("tampering_found", 2),
        ("rewrapped_rows", 8),
        ("left_under_old_key", 1),
        ("swapped_refused", 3),
    ],
)
def test_any_figure_can_be_wrong(name: str, value: int) -> None:
    assert broken(KEPT) == 0
    assert broken({**KEPT, name: value}) == 1


def test_tampering_is_found_only_at_its_own_number() -> None:
    swapped = Tampering(("…",), (7, 5))
    said = {"number": 5, "kind": "reordered", "meaning": "…"}
    assert is_found(Ended(1, {"broken": said}, 0.1), swapped)
    assert not is_found(Ended(1, {"broken": {**said, "number": 7}}, 0.1), swapped)
    assert not is_found(Ended(0, {"broken": None}, 0.1), swapped)


async def test_what_opens_elsewhere_was_not_refused() -> None:
    """Nor was it when its key is not at hand: with the key it might open."""

    async def opens(_: object) -> None: ...

    async def without_its_key(_: object) -> None:
        raise MissingKeyError

    async def refuses(_: object) -> None:
        raise UnknownKeyError

    assert [await is_refused(read, 1) for read in (opens, without_its_key, refuses)] == [
        *(False, False),
        True,
    ]


@pytest.mark.process
@pytest.mark.deep
async def test_some_rows(postgres: EmbeddedPostgres) -> None:
    figures = await run(postgres, Sizes(rows=2000, tamperings=1, swaps=6), random.Random(1))
    assert broken(figures) == 0
    assert (figures["tampered"], figures["swapped"]) == (1, 24)
