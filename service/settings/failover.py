"""What to do when the database turns out to be another one; see ``service.gateway.failover``."""

from dataclasses import dataclass
from enum import StrEnum

from service.settings.groups import AtRest, Database
from service.settings.reader import Reader


class Policy(StrEnum):
    """Whether calls go on from a database that was failed over."""

    PAUSE = "pause"
    TRUST = "trust"


@dataclass(frozen=True, kw_only=True)
class Failover:
    """How far a failed-over database is trusted."""

    policy: Policy = Policy.PAUSE

    @classmethod
    def read(cls, reader: Reader) -> "Failover":
        """Read the group."""
        word = reader.choice(
            "DATABASE_FAILOVER",
            "What follows when Postgres was failed over or restored: 'pause' makes no call until "
            "`metriport-ias dispatch resume`, for a lost commit may be the mark of a query that Metriport "
            "has accepted, and it would be sent twice; 'trust' goes on, for a standby that is synchronous "
            "and loses nothing. Loss that is proven stops it either way.",
            tuple(Policy),
            Policy.PAUSE,
        )
        return cls(policy=Policy(word))


@dataclass(frozen=True, kw_only=True)
class DispatchSettings:
    """For ``metriport-ias dispatch``: events are told under the subjects' data keys."""

    database: Database
    at_rest: AtRest

    @classmethod
    def read(cls, reader: Reader) -> "DispatchSettings":
        """Read the tool's settings."""
        return cls(database=Database.read(reader), at_rest=AtRest.read(reader))
