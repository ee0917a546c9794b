"""Messages recorded once. A change that cannot read one of them needs a new topic, not a new sample."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.generate.catalogue import MESSAGES
from schemas.problems import decode

from .documents import HERE, load

SAMPLES = sorted((HERE / "samples").glob("*.json"))
KINDS = {entry.ce_type: entry.kind for entry in MESSAGES}

each_sample = pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)


def test_every_message_has_a_sample_of_version_1() -> None:
    assert {f"{entry.name}.v1" for entry in MESSAGES} <= {path.stem for path in SAMPLES}


@each_sample
def test_a_recorded_message_reads_and_means_what_it_meant(path: Path) -> None:
    sample = load(path)
    value = decode(json.dumps(sample["data"]).encode(), KINDS[sample["type"]])
    assert msgspec.to_builtins(value) == sample["data"]


@each_sample
def test_fields_of_a_later_version_are_ignored(path: Path) -> None:
    sample = load(path)
    kind = KINDS[sample["type"]]
    then = decode(json.dumps(sample["data"]).encode(), kind)
    later = decode(json.dumps(_with_new_fields(sample["data"])).encode(), kind)
    assert later == then


def _with_new_fields(node: Any, *, free: bool = False) -> Any:
    """The same with an unknown field in every object; ``metadata`` alone has free keys."""
    if isinstance(node, list):
        return [_with_new_fields(item) for item in node]
    if not isinstance(node, dict) or free:
        return node
    grown = {key: _with_new_fields(item, free=key == "metadata") for key, item in node.items()}
    return {**grown, "laterField": {"nested": [1, None, "text"]}}
