"""A processor and a gateway, and what they see, on one database."""

from tests.consumers.conftest import context, process, unparker
from tests.dispatch.conftest import gateway, jane, start, vendor

__all__ = ["context", "gateway", "jane", "process", "start", "unparker", "vendor"]
