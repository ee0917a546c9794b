"""Where a browser may be sent back to: exactly the URLs that an operator listed (RFC 9700 §2.1)."""

from collections.abc import Set as AbstractSet
from urllib.parse import urlencode, urlsplit

from schemas.reasons import Reason
from service.ias.refusal import Refusal


def refuse_return_url(url: str, allowed: AbstractSet[str]) -> Refusal | None:
    """Whether ``url`` stands on the list, letter for letter."""
    if url in allowed:
        return None
    return Refusal(
        Reason.RETURN_URL_NOT_ALLOWED, "the returnUrl is not on the allow-list", "returnUrl"
    )


def with_parameters(url: str, **parameters: str) -> str:
    """The listed URL with our parameters added to whatever query the operator gave it."""
    split = urlsplit(url)
    query = "&".join(part for part in (split.query, urlencode(parameters)) if part)
    return split._replace(query=query).geturl()
