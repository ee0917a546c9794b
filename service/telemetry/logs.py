"""Structured logs: constant dotted event names with fields, redacted before they are rendered."""

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

Fields = MutableMapping[str, Any]

_HIDDEN_KEYS: Final = re.compile(
    r"(?i)(token|secret|password|api_?key|proofed|aal2_session_id|cookie|signature|authorization|url|"
    r"demographic|first_?name|last_?name|dob|code$|body|payload|exc_info|exception)"
)
_HIDDEN_TEXT: Final = re.compile(
    r"(?i)(aal2_[\w-]{4,}|pid_[\w-]{4,}|x-amz-signature=[^&\s]+|/go/[\w-]+|[?&]aal2SessionId=[^&\s]+|"
    r"postgres(?:ql)?://[^@\s]+@)"
)
_MASK: Final = "…"


def configure(log_format: str, level: str) -> None:
    """Set up structlog and the standard library's logging, once per process."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
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
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[hide_foreign_text, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
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
            f"{frame.filename.rsplit('/', 2)[-2]}/{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"
            for frame in reversed(frames[-4:])
        )
    for name in ("sqlstate", "constraint_name"):
        value = getattr(error, name, None)
        if isinstance(value, str):
            described[name] = value
    return described


def hide_foreign_text(_logger: object, _method: str, fields: Fields) -> Fields:
    """A library's message can hold anything: keep its logger's name and its template only."""
    record = fields.get("_record")
    if isinstance(record, logging.LogRecord):
        fields["logger"] = record.name
        fields["event"] = str(record.msg)[:200]
        fields["exc_info"] = record.exc_info
    return fields


def redact(_logger: object, _method: str, fields: Fields) -> Fields:
    """Mask values under tell-tale names and tell-tale texts under any name."""
    for name, value in fields.items():
        if name.startswith("_") or name == "event":
            continue
        if _HIDDEN_KEYS.search(name):
            fields[name] = _MASK
        elif isinstance(value, str):
            fields[name] = _HIDDEN_TEXT.sub(_MASK, value)
    fields["event"] = _HIDDEN_TEXT.sub(_MASK, str(fields.get("event", "")))
    return fields
