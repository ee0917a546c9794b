"""How the vendor is asked about what runs: each field's unit, default and reason stands where it is read."""

from dataclasses import dataclass
from datetime import timedelta

from service.settings.reader import Reader


@dataclass(frozen=True, kw_only=True)
class Watching:
    """When the status of queries is asked for; see ``service.gateway.watch.spacing``."""

    enabled: bool = True
    first: timedelta = timedelta(minutes=10)
    longest: timedelta = timedelta(hours=6)

    @classmethod
    def read(cls, reader: Reader) -> "Watching":
        """Read the group."""
        return cls(
            enabled=reader.flag(
                "STATUS_POLLING",
                "Whether Metriport is asked about queries that run: a source that failed may never "
                "send a webhook. Without it such a query ends at its deadline.",
                default=True,
            ),
            first=timedelta(
                seconds=reader.integer(
                    "STATUS_POLL_FIRST",
                    "Seconds from the start of a query to the first look at its status, and the "
                    "shortest time between two: ten minutes, because HIE takes minutes and most "
                    "queries send their webhooks before. Each further look waits as long as the "
                    "query has run.",
                    600,
                    60,
                    86400,
                )
            ),
            longest=timedelta(
                seconds=reader.integer(
                    "STATUS_POLL_LONGEST",
                    "Seconds that two looks at one query may lie apart at most: six hours, so that "
                    "a query of three days takes 18 calls of the daily quota (500 in the "
                    "sandbox, 10,000 in production).",
                    6 * 3600,
                    60,
                    7 * 86400,
                )
            ),
        )
