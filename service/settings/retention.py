"""How long rows are kept whose work is done."""

from dataclasses import dataclass
from datetime import timedelta

from service.settings.reader import Reader


@dataclass(frozen=True, kw_only=True)
class Retention:
    """Ages at which rows are removed or moved; what still waits to be sent is never removed."""

    inbox: timedelta
    large_bodies: timedelta
    calls: timedelta
    history: timedelta

    @classmethod
    def read(cls, reader: Reader) -> "Retention":
        """Read the group."""

        def days(name: str, meaning: str, default: int, least: int) -> timedelta:
            return timedelta(days=reader.integer(name, f"{meaning} Days.", default, least, 3650))

        return cls(
            inbox=days(
                "INBOX_RETENTION",
                "How long a webhook is recognised when Metriport sends it again, which it may do "
                "after any time.",
                400,
                400,
            ),
            large_bodies=days(
                "LARGE_BODY_RETENTION",
                "How long bodies are kept that are too large for a record; no shorter than the "
                "retention of the webhooks topic, whose records name them.",
                30,
                7,
            ),
            calls=days(
                "VENDOR_CALL_RETENTION",
                "After this a call to Metriport that is over moves to the history; longer than the "
                "longest QUERY_DEADLINE.",
                60,
                31,
            ),
            history=days(
                "HISTORY_RETENTION",
                "How long the history of calls is kept, by whole months.",
                400,
                31,
            ),
        )
