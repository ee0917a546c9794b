"""A processor and a gateway on one database."""

from tests.consumers.conftest import context, process, unparker
from tests.dispatch.conftest import gateway, jane, start, vendor

__all__ = ["context", "gateway", "jane", "process", "start", "unparker", "vendor"]
