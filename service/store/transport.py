"""Whether a database URL makes sure that nobody listens in or answers in the database's place.

asyncpg, as libpq, prefers TLS and goes on in plain text where it is refused. Only ``verify-full`` (with a
``sslrootcert``) keeps a stranger out; ``require`` encrypts to whoever answers. This warns and does not
refuse: a mesh or a socket may protect the way by other means.
"""

from typing import Final
from urllib.parse import parse_qs, urlsplit

import structlog

from service.settings.secret import Secret

_VERIFIED: Final = "verify-full"
_HERE: Final = frozenset({"", "localhost", "127.0.0.1", "::1"})

log = structlog.get_logger()


def is_protected(url: str) -> bool:
    """Whether the connection stays on this machine or the server has to prove its name."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    hosts = query.get("host") or [
        _host(part) for part in parts.netloc.rpartition("@")[2].split(",")
    ]
    local = all(host in _HERE or host.startswith("/") for host in hosts)
    return local or query.get("sslmode", [""])[-1] == _VERIFIED


def warn_if_unprotected(url: Secret[str]) -> None:
    """Say so once, at the start. No part of the URL is told."""
    if not is_protected(url.reveal()):
        log.warning("store.connection_not_verified", wanted=f"sslmode={_VERIFIED}")


def _host(part: str) -> str:
    if part.startswith("["):
        return part[1:].partition("]")[0]
    return part.partition(":")[0]
