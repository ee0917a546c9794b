import json
from pathlib import Path
from typing import Any

import pytest

from tests.metriport_sandbox.wire import UNDEFINED, jsonb_order, sign, stringify, to_bytes

_SAMPLES = Path(__file__).parent.parent / "samples" / "metriport"
_VECTORS = json.loads((_SAMPLES / "signature-vectors.json").read_text())["vectors"]


@pytest.mark.parametrize("vector", _VECTORS, ids=lambda vector: vector["note"][:30])
def test_bytes_and_signature_equal_the_known_answers(vector: dict[str, str]) -> None:
    body = to_bytes(json.loads(vector["bodyText"]))

    assert body.hex() == vector["bodyUtf8Hex"]
    assert sign(vector["key"], body) == vector["signature"]


def test_one_signature_is_pinned_by_hand() -> None:
    # printf '{}' | openssl dgst -sha256 -hmac k
    expected = "add853b103fbcc936a194f9eb15e29c4ff08af6e47d5d1bca4f20218e31e4fff"
    assert sign("k", b"{}") == expected


# Right-hand sides were produced by Node's JSON.stringify.
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("/<>&", '"/<>&"'),
        ("é🩺\u2028", '"é🩺\u2028"'),
        ("\b\f\n\r\t\x00\x1f\x7f", '"\\b\\f\\n\\r\\t\\u0000\\u001f\x7f"'),
        ("\ud83e", '"\\ud83e"'),
        ("\ud83e\ude7a", '"🩺"'),
        ("\ude7a\ud83e", '"\\ude7a\\ud83e"'),
        (1.0, "1"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (1e21, "1e+21"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e-6, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (5e-324, "5e-324"),
        (-123.25, "-123.25"),
        (float("nan"), "null"),
        (2**53 + 1, "9007199254740992"),
        (True, "true"),
        ([1, UNDEFINED, None], "[1,null,null]"),
        ({"a": UNDEFINED, "b": []}, '{"b":[]}'),
        ({"b": 1, "10": 2, "9": 3, "a": 4, "01": 5}, '{"9":3,"10":2,"b":1,"a":4,"01":5}'),
    ],
)
def test_values_are_written_as_javascript_writes_them(value: Any, text: str) -> None:
    assert stringify(value) == text


def test_stored_payloads_come_back_with_the_keys_in_storage_order() -> None:
    stored = jsonb_order({"patientId": 1, "url": 2, "source": {"type": 1, "at": 2}})

    assert stringify(stored) == '{"url":2,"source":{"at":2,"type":1},"patientId":1}'
