"""What a deployment allows, and how long things live in it: the defaults are those of the settings."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The settings of a deployment that can be told from outside.

    ``return_urls``: ``RETURN_URL_ALLOWLIST``; ``None`` allows every one.
    """

    return_urls: frozenset[str] | None = None
    public_url: str = "https://ias.example.com"
    treatment_enabled: bool = False
    session_reuse: bool = True
    verification_lifetime: timedelta = timedelta(days=1)
    challenge_lifetime: timedelta = timedelta(hours=1)
    code_lifetime: timedelta = timedelta(minutes=10)
    session_max_age: timedelta = timedelta(minutes=15)
    session_max_idle: timedelta = timedelta(minutes=15)
    query_deadline: timedelta = timedelta(days=3)
    records_cool_down: timedelta = timedelta(hours=1)
    consolidated_lifetime: timedelta = timedelta(hours=6)
    backup_retention: timedelta = timedelta(days=35)
