"""I7: of a message that was put aside, secrets and demographics are not to be seen."""

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from consumers.dead_letters.masking import PLAIN, shown_fields

texts = st.from_regex(r"[A-Z]{3}[0-9]{6}", fullmatch=True)
"""Like nothing that a type is called."""


def test_ids_and_closed_words_are_shown_and_of_everything_else_the_type() -> None:
    message = {
        "commandId": "6f1c0f52",
        "demographics": {"firstName": "Canary", "dob": "1996-02-10"},
        "sources": {"hie": True, "lab": "yes"},
        "returnUrl": "https://app.example.com/return?code=secret",
        "metadata": {"jane": "private"},
        "patientId": "pid_0199b0caf4d57e90",
    }
    assert shown_fields(json.dumps(message).encode()) == {
        "commandId": "6f1c0f52",
        "demographics": {"firstName": "(text)", "dob": "(date)"},
        "sources": {"hie": True, "lab": "yes"},
        "returnUrl": "(url)",
        "metadata": {"*": "(text)"},
        "patientId": "…",
    }


@given(st.dictionaries(texts, st.recursive(texts, st.lists) | st.dictionaries(texts, texts)))
def test_no_text_of_another_field_is_shown(message: dict[str, Any]) -> None:
    shown = json.dumps(shown_fields(json.dumps(message).encode()))
    words = re.findall("[A-Z]{3}[0-9]{6}", json.dumps(message))
    assert [word for word in words if word in shown] == []


def test_what_is_no_json_is_not_shown() -> None:
    assert shown_fields(b"{not json") is None
    assert "returnUrl" not in PLAIN
