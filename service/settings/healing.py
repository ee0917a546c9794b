"""Whether and how often failed webhooks are looked for at the vendor."""

from dataclasses import dataclass
from datetime import timedelta

from service.settings.reader import Reader


@dataclass(frozen=True, kw_only=True)
class Healing:
    """How failed webhooks are found; see ``service.gateway.healer``."""

    enabled: bool = True
    pause: timedelta = timedelta(minutes=15)

    @classmethod
    def read(cls, reader: Reader) -> "Healing":
        """Read the group."""
        return cls(
            enabled=reader.flag(
                "DELIVERY_HEALER",
                "Whether Metriport is asked to send webhooks again that failed: it never does so by "
                "itself. Without it, ask for them by hand after an outage of the ingress.",
                default=True,
            ),
            pause=timedelta(
                seconds=reader.integer(
                    "DELIVERY_HEALER_PAUSE",
                    "Seconds between two looks at Metriport's count of failed webhooks while all is "
                    "well: 96 calls a day of the daily quota. An ingress that comes back is followed "
                    "by a look after 30 seconds, whatever stands here.",
                    900,
                    60,
                    86400,
                )
            ),
        )
