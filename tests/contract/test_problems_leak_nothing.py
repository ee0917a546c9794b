"""Whatever a sender puts where it does not belong, the refusal never repeats it."""

import json
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.generate.catalogue import MESSAGES, Entry
from schemas.problems import InvalidMessageError, decode

from .documents import HERE, load

CANARY = "K4n4ry"

Path = tuple[str | int, ...]

_TEXTS = [
    CANARY,
    f"missing required field `{CANARY}`",
    f"Object missing required field `{CANARY}`",
    f"x - at `$.{CANARY}`",
    f"x` - at `$.{CANARY}`",
    f"Expected `{CANARY}`",
    f"'{CANARY}'\n - at `$.{CANARY}`\n",
    f"...] - at `key` in `$.{CANARY}`",
]
_PIECES = st.sampled_from([*_TEXTS, "`", "'", "\n", " - at `", "$.", "[...]", "Expected ", "é"])
HOSTILE = st.lists(_PIECES, max_size=5).map(lambda pieces: "".join([*pieces, CANARY]))

_WRONG = st.one_of(
    HOSTILE,
    HOSTILE.map(lambda text: [text]),
    HOSTILE.map(lambda text: {text: text}),
    HOSTILE.map(lambda text: {text: 1}),
    HOSTILE.map(lambda text: {text: {text: [text]}}),
    HOSTILE.map(lambda text: text * 60),
)


def _paths(node: Any, above: Path = ()) -> Iterator[Path]:
    yield above
    if isinstance(node, dict):
        for key, item in node.items():
            yield from _paths(item, (*above, key))
    elif isinstance(node, list):
        for index, item in enumerate(node):
            yield from _paths(item, (*above, index))


def _put(node: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    first, *rest = path
    changed: Any = list(node) if isinstance(node, list) else dict(node)
    changed[first] = _put(node[first], tuple(rest), value)
    return changed


def _without_a_required_field(data: dict[str, Any], text: str) -> dict[str, Any]:
    return {text: text, **{key: item for key, item in data.items() if key != "subjectId"}}


def _assert_silent(raw: bytes, entry: Entry) -> None:
    try:
        decode(raw, entry.kind)
    except InvalidMessageError as error:
        shown = "".join(traceback.format_exception(error, limit=0))
        for told in (error.message, error.field or "", str(error), repr(error), shown):
            assert CANARY not in told


def _sample(entry: Entry) -> Any:
    return load(HERE / "samples" / f"{entry.name}.v1.json")["data"]


@pytest.mark.parametrize("entry", MESSAGES, ids=lambda entry: entry.name)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_wrong_value_anywhere_is_not_repeated(entry: Entry, data: st.DataObject) -> None:
    sample = _sample(entry)
    path = data.draw(st.sampled_from(list(_paths(sample))))
    raw = json.dumps(_put(sample, path, data.draw(_WRONG))).encode()
    _assert_silent(raw, entry)


@pytest.mark.parametrize("entry", MESSAGES, ids=lambda entry: entry.name)
@settings(max_examples=10, deadline=None)
@given(text=HOSTILE)
def test_an_unknown_key_is_not_repeated(entry: Entry, text: str) -> None:
    _assert_silent(json.dumps(_without_a_required_field(_sample(entry), text)).encode(), entry)


@pytest.mark.parametrize("entry", MESSAGES, ids=lambda entry: entry.name)
@settings(max_examples=10, deadline=None)
@given(text=HOSTILE, cut=st.integers(1, 40))
def test_broken_json_is_not_repeated(entry: Entry, text: str, cut: int) -> None:
    _assert_silent(json.dumps({text: text, **_sample(entry)}).encode()[:-cut], entry)
