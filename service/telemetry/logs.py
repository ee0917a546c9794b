"""Structured logs: constant dotted event names with fields, redacted before they are rendered."""

import logging
import math
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import Any, Final

import structlog

Fields = MutableMapping[str, Any]

_HIDDEN_KEYS: Final = re.compile(
    r"(?i)(token|secret|password|api[_-]?key|proofed|aal2_?session|cookie|signature|authorization|url|"
    r"demographic|first_?name|last_?name|dob|code$|body|payload|exc_info|exception)"
)
_HIDDEN_TEXT: Final = re.compile(
    r"(?i)(aal2_[\w-]{4,}|pid_[\w-]{4,}|x-amz-signature=[^&\s]+|/go/[\w-]+|[?&]aal2SessionId=[^&\s]+|"
    r"postgres(?:ql)?://[^@\s]+@)"
)
_MASK: Final = "…"
_NOT_FIELDS: Final = frozenset({"event", "_record", "_from_structlog"})
_OPENINGS: Final = (
    "Exception in callback",
    "Future exception was never retrieved",
    "Task exception was never retrieved",
    "Task was destroyed but it is pending!",
    "Unclosed client session",
    "Unclosed connection",
    "Unhandled exception in event loop",
)
"""asyncio's and aiohttp's own words before the reprs of tasks, arguments and exceptions."""


def configure(log_format: str, level: str) -> None:
    """Set up structlog and the standard library's logging, once per process."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        explain_exception,
        redact,
    ]
    renderer = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, renderer],  # straight to stderr: a line a message has to be cheap
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[hide_foreign_text, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            pass_foreign_args=True,
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.raiseExceptions = False  # else a record that cannot be formatted prints its arguments
    quiet_libraries()


def quiet_libraries() -> None:
    """Keep libraries from logging what they must not: requests with their query strings, headers."""
    logging.getLogger("aiohttp.access").disabled = True
    for name in ("aiohttp.server", "aiohttp.client", "asyncio", "aiokafka"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("aiokafka").setLevel(logging.ERROR)


def explain_exception(_logger: object, _method: str, fields: Fields) -> Fields:
    """Replace ``exc_info`` by type and place; the text stays out."""
    exc_info = fields.pop("exc_info", None)
    error = sys.exc_info()[1] if exc_info is True else exc_info
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        fields.update(describe_error(error))
    return fields


def describe_error(error: BaseException) -> dict[str, str]:
    """Type, place, and for Postgres the SQLSTATE and constraint: enough to find, nothing to leak."""
    frames = traceback.extract_tb(error.__traceback__)
    described = {"error": type(error).__qualname__}
    if frames:
        described["at"] = " < ".join(
            f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno}"
            for frame in reversed(frames[-4:])
        )
    for name in ("sqlstate", "constraint_name"):
        value = getattr(error, name, None)
        if isinstance(value, str):
            described[name] = value
    return described


def hide_foreign_text(_logger: object, _method: str, fields: Fields) -> Fields:
    """A library's message can hold anything: keep its logger's name and its template only.

    A text without arguments may have been put together before it was logged: its place has to do.
    """
    has_template = bool(fields.pop("positional_args", None))
    record = fields.get("_record")
    if isinstance(record, logging.LogRecord):
        text = record.msg if isinstance(record.msg, str) else ""
        known = next((words for words in _OPENINGS if text.startswith(words)), None)
        place = f"{record.module}:{record.lineno}"
        fields["logger"] = record.name
        fields["event"] = text[:200] if has_template else known or place
        fields["exc_info"] = record.exc_info
    return fields


def redact(_logger: object, _method: str, fields: Fields) -> Fields:
    """Mask values under tell-tale names and tell-tale texts under any name."""
    for name, value in fields.items():
        if name not in _NOT_FIELDS:
            fields[name] = _shown(name, value)
    fields["event"] = _HIDDEN_TEXT.sub(_MASK, str(fields.get("event", "")))
    return fields


def _shown(name: str, value: object) -> object:
    """What may be seen of a field, to any depth, as something that JSON has."""
    if _is_hidden(name):
        return _MASK
    match value:
        case None | int() | float() if not isinstance(value, float) or math.isfinite(value):
            return value
        case BaseException():
            return type(value).__qualname__
        case Mapping():
            return {_masked(key): _shown(str(key), item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_shown("", item) for item in value]
        case _:
            return _masked(value)


@lru_cache(1024)
def _is_hidden(name: str) -> bool:
    return _HIDDEN_KEYS.search(name) is not None


def _masked(value: object) -> str:
    return _HIDDEN_TEXT.sub(_MASK, str(value))
