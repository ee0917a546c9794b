"""Times as the vendor writes them."""

from datetime import UTC, datetime


def iso(seconds: float) -> str:
    """Return ISO-8601 UTC with milliseconds, as in every vendor timestamp."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def amz(seconds: float) -> str:
    """Return the basic format of `X-Amz-Date`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%dT%H%M%SZ")


def from_amz(text: str) -> float:
    """Read `X-Amz-Date`.

    Raises:
        ValueError: it is not in that format.
    """
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def today(seconds: float) -> str:
    """Return the date in UTC, `YYYY-MM-DD`."""
    return iso(seconds)[:10]
