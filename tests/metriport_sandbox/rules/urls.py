"""Which URLs the vendor accepts for webhooks and redirects."""

from urllib.parse import urlsplit

from tests.metriport_sandbox.config import SandboxConfig

MAX_URL_LENGTH = 2048

# Refused wherever the text contains them (vendor code), so that a URL with four zeros in a
# row fails. The first list is what allow_loopback lifts; ports such as 40000 need the zeros.
_LOOPBACK = ("localhost", "127.0.0.1", "127.1", "0000", "[::]", "lvh.me", "localtest.me")
_ALWAYS = ("amazonaws.com", "/internal", "169.254.169.254")


def webhook_url_allowed(url: str, *, allow_loopback: bool) -> bool:
    """Tell whether Update Settings takes this address; plain http passes (vendor code)."""
    refused = _ALWAYS if allow_loopback else _ALWAYS + _LOOPBACK
    return _is_url(url) and not any(text in url for text in refused)


def redirect_problem(url: str, config: SandboxConfig) -> str | None:
    """Return what is wrong with a redirectUrl: https and the exact allow-list.

    That an allow-list exists is in Metriport docs; that it is exact is assumed.
    """
    if not _is_url(url):
        return "Invalid url"
    if urlsplit(url).scheme != "https" and not config.allow_loopback:
        return "redirectUrl must use HTTPS"
    open_to_all = config.allow_loopback and not config.redirect_urls
    if not open_to_all and url not in config.redirect_urls:
        return "redirectUrl is not on the allowlist"
    return None


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            len(url) <= MAX_URL_LENGTH
            and parts.scheme in {"http", "https"}
            and bool(parts.hostname)
        )
    except ValueError:
        return False


def with_parameters(url: str, query: str, *, style: str) -> str:
    """Append a query string; how the vendor merges with an existing one is unknown."""
    if style == "naive":
        return f"{url}?{query}"
    base, hash_, fragment = url.partition("#")
    joint = "&" if "?" in base else "?"
    return f"{base}{joint}{query}{hash_}{fragment}"
