"""How Metriport is called: each field's unit, default and reason stands where it is read."""

from dataclasses import dataclass
from datetime import timedelta

from service.settings.reader import Reader
from service.settings.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Metriport:
    """How to call the vendor."""

    api_url: str
    api_key: Secret[str]
    facility_id: str
    timeout: timedelta

    @classmethod
    def read(cls, reader: Reader) -> "Metriport":
        """Read the group."""
        return cls(
            api_url=reader.guarded_url(
                "METRIPORT_API_URL", "https://api.metriport.com or the sandbox's."
            ),
            api_key=reader.header_secret(
                "METRIPORT_API_KEY",
                "Full access to the account: of what runs, the gateway alone holds it.",
            ),
            facility_id=reader.text(
                "METRIPORT_FACILITY_ID", "The facility in whose name patients are created."
            ),
            timeout=timedelta(
                seconds=reader.integer(
                    "METRIPORT_TIMEOUT",
                    "Seconds for one call; Metriport's own gateway gives up at 29.",
                    30,
                    1,
                    120,
                )
            ),
        )


@dataclass(frozen=True, kw_only=True)
class WebhookSetupSettings:
    """For ``metriport-ias webhook``: the gateway's, and nothing else."""

    metriport: Metriport

    @classmethod
    def read(cls, reader: Reader) -> "WebhookSetupSettings":
        """Read what is needed to call the vendor's settings."""
        return cls(metriport=Metriport.read(reader))
