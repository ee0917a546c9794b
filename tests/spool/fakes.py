"""Stores that fail on purpose, and a record to keep."""

from dataclasses import dataclass, field

from schemas.cloudevents import Attributes
from schemas.topics import Topic
from service.bus.publisher import PublishError
from service.ingress.records import OutRecord

CANARY = b"a-link-to-somebodys-record"


@dataclass
class FakeStore:
    """A store that takes records, or does not."""

    works: bool = True
    kept: list[OutRecord] = field(default_factory=list)
    asked: int = 0

    async def keep(self, record: OutRecord) -> None:
        """See ``Durable.keep``."""
        self.asked += 1
        if not self.works:
            raise PublishError("on purpose")
        self.kept.append(record)


def record(number: int = 1) -> OutRecord:
    """A record whose value must not stand anywhere in the clear."""
    attributes = Attributes(
        id=f"message-{number}",
        type="metriport.network-query.hie",
        source="/metriport/webhooks",
        subject="patient-1",
        extensions={"vendorsignature": "0" * 64},
    )
    return OutRecord(Topic.WEBHOOKS, "patient-1", CANARY + b"-%d" % number, attributes)
