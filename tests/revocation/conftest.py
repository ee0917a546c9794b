"""A processor and a gateway on one database."""

from tests.dispatch.conftest import gateway, jane, start, vendor

__all__ = ["gateway", "jane", "start", "vendor"]
