"""JSON Schema validation as a list of complaints."""

from functools import cache
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # the tests need only these few calls

from .documents import HERE, load, message_schema

_NEW = jsonschema.Draft202012Validator
_OLD = jsonschema.Draft7Validator


def complaints_about_message(name: str, value: Any) -> list[str]:
    """What the JSON Schema file of a message says against ``value``."""
    return [error.message for error in _of_message(name).iter_errors(value)]


def complaints_about_asyncapi(document: Any) -> list[str]:
    """What AsyncAPI's own JSON Schema says against a document."""
    return [error.message for error in _official().iter_errors(document)]


def complaints_by_asyncapi_schema(schema: Any, value: Any) -> list[str]:
    """What a schema inside an AsyncAPI document, which is of draft 7, says against ``value``."""
    found = _OLD(schema, format_checker=_OLD.FORMAT_CHECKER)
    return [error.message for error in found.iter_errors(value)]


@cache
def _of_message(name: str) -> Any:
    schema = message_schema(name)
    _NEW.check_schema(schema)
    return _NEW(schema, format_checker=_NEW.FORMAT_CHECKER)


@cache
def _official() -> Any:
    return _OLD(load(HERE / "data" / "asyncapi-3.0.0.json"))
