"""Structs as JSON Schema, mended where msgspec's output needs it."""

import inspect
from collections.abc import Iterable
from typing import Any, Final

import msgspec

Schema = dict[str, Any]

_PYTHON_END: Final = r"$(?!\n)"
"""How our patterns say "end of text" to Python. A plain ``$`` says it in every other dialect."""


def components(types: Iterable[type], ref_template: str) -> dict[str, Schema]:
    """A schema for each type and for all that it refers to, by name in alphabetical order."""
    _, found = msgspec.json.schema_components(types, ref_template=ref_template)
    return {name: _mend(found[name]) for name in sorted(found)}


def _mend(node: Any) -> Any:  # noqa: ANN401 - JSON is anything
    if isinstance(node, list):
        return [_mend(item) for item in node]
    if not isinstance(node, dict):
        return node
    return _keep_siblings({key: _mend_entry(key, value) for key, value in node.items()})


def _mend_entry(key: str, value: Any) -> Any:  # noqa: ANN401 - JSON is anything
    if key == "description" and isinstance(value, str):
        return prose(value)
    if key == "pattern" and isinstance(value, str):
        return value.replace(_PYTHON_END, "$")
    return _mend(value)


def _keep_siblings(node: Schema) -> Schema:
    """Draft 7, which AsyncAPI reads, ignores everything beside a ``$ref``."""
    if "$ref" not in node or len(node) == 1:
        return node
    rest = {key: value for key, value in node.items() if key != "$ref"}
    return {"allOf": [{"$ref": node["$ref"]}], **rest}


def prose(docstring: str) -> str:
    """A docstring as Markdown."""
    return inspect.cleandoc(docstring).replace("``", "`")


def summary(kind: type) -> str:
    """The first line of a type's docstring."""
    return prose(kind.__doc__ or "").partition("\n")[0]
