"""The chain as values: any single alteration is found, at its number."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ias import audit
from service.ias.audit import GENESIS, Entry, Link, Position
from service.ias.audit_check import Break, BreakKind, Walk, verify

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
Row = tuple[Link, Entry | None]

moments = st.integers(0, 10**12).map(lambda micros: START + timedelta(microseconds=micros))
entries = st.builds(
    Entry,
    st.uuids(),
    moments,
    st.sampled_from([kind.value for kind in audit.Kind]),
    st.none() | st.binary(max_size=32),
    st.none() | st.uuids(),
    st.binary(max_size=40),
)
chains = st.lists(entries, min_size=1, max_size=12, unique_by=lambda entry: entry.entry_id)


def _chained(content: list[Entry]) -> list[Row]:
    """As a sealer would do it, two entries a round."""
    rows: list[Row] = []
    for begin in range(0, len(content), 2):
        after = Position(rows[-1][0].number, rows[-1][0].hash) if rows else GENESIS
        part = content[begin : begin + 2]
        links = audit.chain(after, part, START + timedelta(seconds=begin))
        rows.extend(zip(links, part, strict=True))
    return rows


def _head(rows: list[Row]) -> Position:
    return Position(rows[-1][0].number, rows[-1][0].hash)


@given(chains)
def test_an_untouched_chain_is_in_order_and_gapless(content: list[Entry]) -> None:
    rows = _chained(content)
    assert [link.number for link, _ in rows] == list(range(1, len(content) + 1))
    assert verify(rows, known=[_head(rows)]) is None


ANOTHER: dict[str, st.SearchStrategy[Any]] = {
    "number": st.integers(-5, 20),
    "entry_id": st.uuids(),
    "recorded_at": moments,
    "sealed_at": moments,
    "kind": st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    "subject_ref": st.none() | st.binary(max_size=32),
    "object_id": st.none() | st.uuids(),
    "box": st.binary(max_size=40),
    "entry_digest": st.binary(max_size=32),
    "previous": st.binary(max_size=32),
    "hash": st.binary(max_size=32),
}
"""What a field may be altered to, the empty and the absent included."""


def _altered(data: st.DataObject, row: Any) -> Any:
    """The row with one field of another value."""
    field = data.draw(st.sampled_from(row._fields))
    another = ANOTHER[field].filter(lambda value: value != getattr(row, field))
    return row._replace(**{field: data.draw(another)})


@given(chains, st.data())
def test_any_single_alteration_of_an_entry_is_found_at_its_number(
    content: list[Entry], data: st.DataObject
) -> None:
    rows = _chained(content)
    place = data.draw(st.integers(0, len(rows) - 1))
    rows[place] = (rows[place][0], _altered(data, content[place]))
    assert verify(rows) == Break(place + 1, BreakKind.ALTERED)


@given(chains, st.data())
def test_any_single_alteration_of_a_link_is_found(
    content: list[Entry], data: st.DataObject
) -> None:
    rows = _chained(content)
    place = data.draw(st.integers(0, len(rows) - 1))
    link, entry = rows[place]
    rows[place] = (_altered(data, link), entry)
    broken = verify(rows)
    assert broken is not None
    assert broken.number <= place + 1


@given(chains, st.data())
def test_a_removed_row_is_found_at_its_number(content: list[Entry], data: st.DataObject) -> None:
    rows = _chained(content)
    head = _head(rows)
    place = data.draw(st.integers(0, len(rows) - 1))
    without = rows[:place] + rows[place + 1 :]
    expected = BreakKind.TRUNCATED if place == len(rows) - 1 else BreakKind.MISSING
    assert verify(without, known=[head]) == Break(place + 1, expected)
    gone: list[Row] = [*rows[:place], (rows[place][0], None), *rows[place + 1 :]]
    assert verify(gone) == Break(place + 1, BreakKind.MISSING)


@given(chains.filter(lambda content: len(content) > 1), st.data())
def test_two_rows_that_changed_places_are_found(content: list[Entry], data: st.DataObject) -> None:
    rows = _chained(content)
    one = data.draw(st.integers(0, len(rows) - 2))
    two = data.draw(st.integers(one + 1, len(rows) - 1))
    (first, of_first), (second, of_second) = rows[one], rows[two]
    rows[one] = (second._replace(number=first.number), of_second)
    rows[two] = (first._replace(number=second.number), of_first)
    assert verify(rows) == Break(one + 1, BreakKind.REORDERED)


@given(chains, st.data())
def test_a_row_that_was_put_in_again_is_found(content: list[Entry], data: st.DataObject) -> None:
    """It is a copy, so it agrees with itself; only its place is wrong."""
    rows = _chained(content)
    place = data.draw(st.integers(0, len(rows) - 1))
    again = data.draw(st.integers(0, place))
    more = [*rows[: place + 1], rows[again], *rows[place + 1 :]]
    assert verify(more) == Break(again + 1, BreakKind.REORDERED)


def test_a_time_before_1970_is_an_alteration_like_any_other() -> None:
    entry = Entry(UUID(int=1), START, "session_used", None, None, b"")
    ((link, _),) = _chained([entry])
    moon = datetime(1969, 7, 20, tzinfo=UTC)
    sealed_then = (link._replace(sealed_at=moon), entry)
    recorded_then = (link._replace(recorded_at=moon), entry._replace(recorded_at=moon))
    for row in (sealed_then, recorded_then):
        assert verify([row]) == Break(1, BreakKind.ALTERED)


@given(chains, st.data())
def test_a_chain_computed_anew_contradicts_a_published_head(
    content: list[Entry], data: st.DataObject
) -> None:
    """Whoever owns the database can make a chain that agrees with itself, but not with what was told."""
    honest = _chained(content)
    place = data.draw(st.integers(0, len(content) - 1))
    forged = list(content)
    forged[place] = content[place]._replace(kind="nothing_happened")
    rows = _chained(forged)
    assert verify(rows) is None
    assert verify(rows, known=[_head(honest)]) == Break(len(content), BreakKind.REWRITTEN)


@given(chains, st.integers(1, 12))
def test_a_chain_cut_off_at_its_end_contradicts_a_published_head(
    content: list[Entry], cut: int
) -> None:
    rows = _chained(content)
    kept = rows[: max(0, len(rows) - cut)]
    assert verify(kept) is None
    assert verify(kept, known=[_head(rows)]) == Break(len(kept) + 1, BreakKind.TRUNCATED)


def _row_of_four() -> tuple[list[Row], list[Position]]:
    """Four rows, and a head for each."""
    entry = Entry(UUID(int=1), START, "session_used", None, None, b"")
    rows = _chained([entry._replace(entry_id=UUID(int=number)) for number in range(1, 5)])
    return rows, [Position(link.number, link.hash) for link, _ in rows]


def test_what_is_known_from_before_the_start_is_not_held_against_the_rest() -> None:
    rows, heads = _row_of_four()
    assert verify(rows[2:], heads[1], heads) is None
    assert verify(rows[2:], heads[1]._replace(hash=b"x" * 32), heads) == Break(
        2, BreakKind.REWRITTEN
    )


@pytest.mark.parametrize(
    ("start", "skipped", "matched"), [(0, 0, 5), (1, 0, 5), (2, 1, 4), (3, 2, 3), (4, 3, 2)]
)
def test_a_report_counts_every_head_that_agreed_and_every_one_from_before_the_start(
    start: int, skipped: int, matched: int
) -> None:
    """The newest link has two: a head, and the checkpoint that closed its month."""
    rows, heads = _row_of_four()
    walk = Walk(heads[start - 1] if start else GENESIS, [*heads, heads[-1]])
    broken = [walk.begin(), *(walk.step(*row) for row in rows[start:]), walk.end()]
    assert set(broken) == {None}
    assert (walk.skipped, walk.matched) == (skipped, matched)


@pytest.mark.parametrize(
    ("now", "last", "closed", "expected"),
    [
        (START, None, None, START),
        (START, START + timedelta(seconds=9), None, START + timedelta(seconds=9)),
        (START, START - timedelta(seconds=9), None, START),
        (START, None, date(2026, 2, 1), START),
        (START, None, date(2026, 3, 1), datetime(2026, 4, 1, tzinfo=UTC)),
        (START, None, date(2026, 12, 1), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_time_of_sealing_goes_back_neither_behind_a_link_nor_into_a_closed_month(
    now: datetime, last: datetime | None, closed: date | None, expected: datetime
) -> None:
    """The database's clock may step back."""
    assert audit.seal_time(now, last, closed) == expected
