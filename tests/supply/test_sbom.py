"""The list of what the image holds is the whole list."""

import re
from typing import Any

from tests.supply.pins import REQUIREMENTS, pins
from tests.supply.sbom import problems

EXPECTED = {"one": "1.0", "two-words": "2.0"}


def component(name: str, version: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "version": version, "hashes": [{"alg": "SHA-256"}], **more}


def test_a_package_that_is_missing_other_or_too_much_is_found() -> None:
    whole = [component("one", "1.0"), component("Two_Words", "2.0")]
    assert problems({"components": whole}, EXPECTED) == []
    assert problems({"components": whole[:1]}, EXPECTED) == ["two-words 2.0 is not in it"]
    assert problems({"components": [*whole, component("x", "3")]}, EXPECTED) == ["x 3 is too much"]
    other = [whole[0], component("two-words", "2.1")]
    assert problems({"components": other}, EXPECTED) == [
        "two-words 2.0 is not in it",
        "two-words 2.1 is too much",
    ]


def test_a_package_without_a_hash_is_found() -> None:
    bare = [component("one", "1.0", hashes=[]), component("two-words", "2.0")]
    assert problems({"components": bare}, EXPECTED) == ["one has no hash"]


def test_every_line_that_pins_is_read() -> None:
    text = REQUIREMENTS.read_text()
    read = pins(text)
    assert len(read) == len(re.findall("^[^ #].*==", text, flags=re.MULTILINE))
    assert {"aiohttp", "aiokafka", "asyncpg", "msgspec", "structlog"} <= set(read)
