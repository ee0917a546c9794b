"""A processor and a gateway on one database."""

from tests.consumers.conftest import context, make_process, process, reader, unparker
from tests.dispatch.conftest import gateway, jane, start, vendor

__all__ = [
    "context",
    "gateway",
    "jane",
    "make_process",
    "process",
    "reader",
    "start",
    "unparker",
    "vendor",
]
