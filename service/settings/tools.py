"""What the tools of the person on call need: what the consumers hold, but for what signs the audit."""

from dataclasses import dataclass

from service.settings.groups import AtRest, Database, Kafka, Opening, Sealing, Webhooks
from service.settings.reader import Reader


@dataclass(frozen=True, kw_only=True)
class ToolsSettings:
    """For ``metriport-ias dead-letters``, ``webhooks``, ``flow`` and ``observe``."""

    database: Database
    kafka: Kafka
    webhooks: Webhooks
    sealing: Sealing
    opening: Opening
    at_rest: AtRest

    @classmethod
    def read(cls, reader: Reader) -> "ToolsSettings":
        """Read the tools' settings."""
        return cls(
            database=Database.read(reader),
            kafka=Kafka.read(reader),
            webhooks=Webhooks.read(reader),
            sealing=Sealing.read(reader),
            opening=Opening.read(reader),
            at_rest=AtRest.read(reader),
        )
