"""How often Metriport may be called: each field's unit, default and reason stands where it is read."""

from dataclasses import dataclass

from service.settings.reader import Reader

SANDBOX_DAY = 500
PRODUCTION_DAY = 10_000


@dataclass(frozen=True, kw_only=True)
class Pacing:
    """The account's limits, and this deployment's part of them. Figures are calls."""

    share: int = 100
    patient_writes: int = 15
    network_queries: int = 20
    network_queries_per_source: int = 20
    consolidated_queries: int = 120
    per_day: int = PRODUCTION_DAY
    reserve: int = 20

    @classmethod
    def read(cls, reader: Reader, api_url: str | None) -> "Pacing":
        """Read the group; the default quota of a day depends on the API that is called, if one is named."""
        sandbox = ".sandbox." in (api_url or "")
        return cls(
            share=reader.integer(
                "PACING_SHARE",
                "Percent of the account's limits that this deployment may use, those of a minute and "
                "that of a day: the account may have other callers.",
                100,
                1,
                100,
            ),
            patient_writes=_per_minute(
                reader, "PACING_PATIENT_WRITES", "Create Patient, and updates by others", 15
            ),
            network_queries=_per_minute(
                reader, "PACING_NETWORK_QUERIES", "Start Network Query, whatever its sources", 20
            ),
            network_queries_per_source=_per_minute(
                reader,
                "PACING_NETWORK_QUERIES_PER_SOURCE",
                "Start Network Query with one source, for each source",
                20,
            ),
            consolidated_queries=_per_minute(
                reader, "PACING_CONSOLIDATED_QUERIES", "Start Consolidated Data Query", 120
            ),
            per_day=reader.integer(
                "PACING_DAILY_QUOTA",
                "The account's calls of every kind in any 24 hours. 0: 500 where METRIPORT_API_URL "
                "names the sandbox, else 10,000 (Metriport's infrastructure code of 2025).",
                0,
                0,
                10_000_000,
            )
            or (SANDBOX_DAY if sandbox else PRODUCTION_DAY),
            reserve=reader.integer(
                "PACING_DAILY_RESERVE",
                "Percent of the daily quota kept for calls that a person waits for: looks at status, "
                "the healer and background queries stop before.",
                20,
                0,
                90,
            ),
        )


def _per_minute(reader: Reader, name: str, what: str, published: int) -> int:
    """One limit of the account, a minute; support can raise it."""
    meaning = f"The account's limit a minute: {what}. Metriport's support can raise it."
    return reader.integer(name, meaning, published, 1, 100_000)
