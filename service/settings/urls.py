"""What a setting that holds a URL may be; each function raises ``ValueError`` with the reason."""

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

_HOST: Final = r"(\[[^\]\s]+\]|[^\s:/?#@,\[\]]*)(:\d{1,5})?"
_DATABASE: Final = re.compile(rf"postgres(ql)?://([^\s/?#@]*@)?{_HOST}(,{_HOST})*([/?][^\s#]*)?")


def absolute(raw: str) -> str:
    """An http(s) URL; a problem's text never holds it."""
    try:
        split = urlsplit(raw)
        _ = split.port
    except ValueError:  # its text holds the value
        raise ValueError("must be an absolute http(s) URL") from None
    if split.scheme not in {"http", "https"} or not split.hostname:
        raise ValueError("must be an absolute http(s) URL")
    if split.username or split.password:
        raise ValueError("must not hold credentials")
    return raw


def base_url(raw: str) -> str:
    """One that a path can follow; a trailing slash is cut off."""
    if "?" in absolute(raw) or "#" in raw:
        raise ValueError("must be a URL without query or fragment")
    return raw.rstrip("/")


def guarded_url(raw: str) -> str:
    """One to which secrets may be sent: with TLS, or to this machine."""
    url = base_url(raw)
    split = urlsplit(url)
    if split.scheme != "https" and not _is_this_machine(split.hostname or ""):
        raise ValueError("must be an https URL: secrets are sent there")
    return url


def database_url(raw: str) -> str:
    """One of Postgres as libpq knows them: several hosts, or a folder in the query, too."""
    if not _DATABASE.fullmatch(raw):
        raise ValueError(
            "must be a postgresql:// URL; in its password /, ?, #, @ and : are percent-encoded"
        )
    return raw


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
