"""I7: a shape is made of listed words alone, whatever the message holds."""

import json
import re
import string
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.assumed.shapes import (
    MOST_PATHS,
    Kind,
    content_type_of,
    key_of,
    shape_of,
    shape_of_bytes,
    shape_of_names,
)
from service.assumed.words import CONTENT_TYPES, NAMES, PARTS, TERMS

SPLIT = re.compile(r"[A-Z]?[a-z]+[0-9]?|[A-Z]+(?![a-z])")
KINDS = {kind.value for kind in Kind}

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
ids = st.uuids().map(str) | st.from_regex(r"(pid|ids|aal2|aalc)_[0-9a-z]{6,30}", fullmatch=True)
field_names = st.sampled_from(sorted(PARTS)) | st.sampled_from(
    ["meta", "payload", "proofedIdentityId", "aal2SessionId", "sources", "status"]
)
keys = field_names | ids | st.text() | st.emails() | st.dates().map(str) | st.integers().map(str)
messages = st.recursive(
    scalars | ids, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=30
)


def words_of(path: str) -> list[str]:
    """The names of a path, without what marks arrays and the top."""
    return [name for name in path.replace("[]", "").split(".") if name != "$"]


def is_listed(name: str) -> bool:
    """Whether a name is made of listed words and separators alone; written again, not the code's."""
    if name == "*" or name in NAMES:
        return True
    parts = SPLIT.findall(name)
    return "".join(parts) == re.sub(r"[_-]", "", name) and {p.lower() for p in parts} <= PARTS


@given(messages)
def test_every_word_of_a_shape_is_from_a_list(message: Any) -> None:
    for path, kinds in shape_of(message).items():
        assert set(kinds) <= KINDS
        assert [name for name in words_of(path) if not is_listed(name)] == []


@given(st.recursive(ids, lambda inner: st.lists(inner) | st.dictionaries(ids, inner)))
def test_no_id_appears_in_a_shape_neither_as_a_value_nor_as_a_key(message: Any) -> None:
    written = json.dumps(shape_of(message))
    secrets = re.findall(r'"([^"]+)"', json.dumps(message))
    assert [secret for secret in secrets if secret in written] == []


@given(st.dictionaries(st.text(min_size=4), st.text(min_size=4), min_size=1))
def test_no_text_of_a_message_appears_in_its_shape_unless_it_is_a_listed_word(
    message: dict[str, str],
) -> None:
    texts = [*message, *message.values()]
    assume(not any(is_listed(text) or text.lower() in KINDS for text in texts))
    alphabet = set(string.ascii_letters + string.digits)
    written = json.dumps(dict(shape_of(message)))
    leaked = [text for text in texts if set(text) <= alphabet and text in written]
    assert [text for text in leaked if not any(text in word for word in KINDS)] == []


@given(st.lists(keys, max_size=20))
def test_no_parameter_of_a_redirect_is_named_unless_its_words_are_listed(names: list[str]) -> None:
    for path in shape_of_names(names):
        assert [name for name in words_of(path) if not is_listed(name)] == []


@given(st.text() | st.none())
def test_a_content_type_is_one_of_the_list(said: str | None) -> None:
    assert content_type_of(said) in {*CONTENT_TYPES, "other", "none"}


@given(st.binary())
def test_any_bytes_have_a_shape(body: bytes) -> None:
    assert shape_of_bytes(body)


def test_a_map_by_id_is_one_path() -> None:
    message = {"patients": {"pid_0199b0caf4d57e90": {"status": "active"}, "jane": {"status": "x"}}}
    assert shape_of(message) == {
        "$": ("object",),
        "$.patients": ("object",),
        "$.patients.*": ("object",),
        "$.patients.*.status": ("term", "text"),
    }


def test_types_are_told_apart() -> None:
    message = {
        "id": "0199b0c4-5d1e-7a3c-9b42-3f0a6c2d7e11",
        "when": "2026-06-01T15:00:00.410Z",
        "date": "2026-06-01",
        "url": "https://example.com/s/token",
        "status": "active",
        "title": "BadRequestError",
        "name": "",
        "count": 3,
        "enabled": True,
        "data": None,
        "sources": [],
    }
    assert {path.removeprefix("$."): kinds[0] for path, kinds in shape_of(message).items()} == {
        "$": "object",
        "id": "uuid",
        "when": "time",
        "date": "date",
        "url": "url",
        "status": "term",
        "title": "text",
        "name": "blank",
        "count": "number",
        "enabled": "boolean",
        "data": "null",
        "sources": "array",
    }


def test_a_field_that_nobody_expected_is_told_by_its_name_if_its_words_are_listed() -> None:
    assert key_of("identityAssuranceLevel") == "identityAssuranceLevel"
    assert key_of("identityOfJane") == "*"
    assert key_of("id1234567") == "*"
    assert key_of("ID") == "ID"


def test_a_body_is_never_too_deep_or_too_wide() -> None:
    deep = b"[" * 5000 + b"]" * 5000
    assert "$" in shape_of_bytes(deep)
    nested: Any = 1
    for _ in range(40):
        nested = {"status": nested}
    assert "deeper" in {kind for kinds in shape_of(nested).values() for kind in kinds}
    wide = {a: dict.fromkeys(sorted(PARTS)[:40], 1) for a in sorted(PARTS)[:40]}
    shape = shape_of(wide)
    assert len(shape) <= MOST_PATHS
    assert "more" in shape["$"]


@pytest.mark.parametrize(
    ("body", "kind"), [(b"", "nothing"), (b" \n", "nothing"), (b"Forbidden", "not-json")]
)
def test_what_is_no_json_has_the_shape_of_its_kind(body: bytes, kind: str) -> None:
    assert shape_of_bytes(body) == {"$": (kind,)}


def test_no_listed_word_says_anything_of_a_person() -> None:
    assert not [word for word in TERMS if re.search(r"\d{3}|@", word)]
    assert not [word for word in PARTS if len(word) == 1]
