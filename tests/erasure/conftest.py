"""A processor and a gateway, and what they see, on one database."""

from tests.dispatch.conftest import gateway, jane, start, vendor

__all__ = ["gateway", "jane", "start", "vendor"]
