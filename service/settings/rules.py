"""What is allowed, and how long things live: settings of the rules in ``service.ias``."""

from dataclasses import dataclass
from datetime import timedelta

from service.settings.lifetimes import Lifetimes
from service.settings.reader import Reader


@dataclass(frozen=True, kw_only=True)
class Rules(Lifetimes):
    """What is allowed, and how long things live. The rules themselves are in ``service.ias``."""

    treatment_enabled: bool
    session_reuse: bool
    openings_per_hour: int
    backup_retention: timedelta = timedelta(days=35)
    unknown_policy: str = "report"

    @classmethod
    def read(cls, reader: Reader) -> "Rules":
        """Read the group."""
        return cls(
            **Lifetimes.read(reader).as_fields(),
            treatment_enabled=reader.flag(
                "TREATMENT_ENABLED",
                "Whether treatment links and queries are allowed at all.",
                default=False,
            ),
            session_reuse=reader.flag(
                "AAL2_SESSION_REUSE",
                "Whether one session may serve several queries within its age.",
                default=True,
            ),
            unknown_policy=reader.choice(
                "UNKNOWN_POLICY",
                "What follows when a network query was sent and neither an answer nor proof came: "
                "'report' tells it and leaves it alone, 'resend' sends it once more, which Metriport may "
                "then run twice. Later proof counts either way.",
                ("report", "resend"),
                "report",
            ),
            openings_per_hour=reader.integer(
                "LINK_OPENINGS_PER_HOUR",
                "How often one link may ask Metriport for a fresh page.",
                10,
                1,
                100,
            ),
            backup_retention=timedelta(
                days=reader.integer(
                    "BACKUP_RETENTION",
                    "How long the oldest backup of database and topics is kept: the receipt of an "
                    "erasure promises no earlier end. Days.",
                    35,
                    0,
                    3650,
                )
            ),
        )
