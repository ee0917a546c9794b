"""How long things live: every lifetime with its unit, its default and why it is that long.

All are whole seconds in the environment. All are measured by the database's clock, see
``service.ias.lifetimes``.
"""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from service.settings.reader import Reader

_HOUR = 3600
_DAY = 86400
_MONTH = 30 * _DAY


@dataclass(frozen=True, kw_only=True)
class Lifetimes:
    """After which time something is over; the sweeper of the consumers then ends it, with an event."""

    verification_lifetime: timedelta
    challenge_lifetime: timedelta
    code_lifetime: timedelta
    session_max_age: timedelta
    session_max_idle: timedelta
    query_deadline: timedelta
    consolidated_lifetime: timedelta
    registration_lifetime: timedelta
    page_lifetime: timedelta
    parked_lifetime: timedelta
    unknown_proof_wait: timedelta = timedelta(minutes=5)
    records_cool_down: timedelta = timedelta(hours=1)

    def as_fields(self) -> dict[str, Any]:
        """The values by field, for a group that has more beside them."""
        return asdict(self)

    @classmethod
    def read(cls, reader: Reader) -> "Lifetimes":
        """Read the group."""

        def seconds(name: str, meaning: str, default: int, least: int, most: int) -> timedelta:
            return timedelta(
                seconds=reader.integer(name, f"{meaning} Seconds.", default, least, most)
            )

        return Lifetimes(
            verification_lifetime=seconds(
                "VERIFICATION_LIFETIME",
                "How long a person may take to prove who they are: a day, because documents must be "
                "at hand. A webhook that comes later still verifies.",
                _DAY,
                60,
                _MONTH,
            ),
            challenge_lifetime=seconds(
                "CHALLENGE_LIFETIME",
                "How long a person may take to open and answer a challenge: an hour, so that the "
                "message with the link may wait a little.",
                _HOUR,
                60,
                _DAY,
            ),
            code_lifetime=seconds(
                "RETURN_CODE_LIFETIME",
                "How long the one-time code of a return may be confirmed; NIST SP 800-63B-4 lets "
                "such secrets live at most 10 minutes.",
                600,
                30,
                600,
            ),
            session_max_age=seconds(
                "AAL2_SESSION_MAX_AGE",
                "Age, from the person's return, at which a session is not used any more; Metriport "
                "names none, NIST SP 800-63B-4 allows at most 24 h.",
                900,
                60,
                _DAY,
            ),
            session_max_idle=seconds(
                "AAL2_SESSION_MAX_IDLE",
                "Time without an accepted call after which a session is not used any more; NIST SP "
                "800-63B-4 allows at most 1 h.",
                900,
                60,
                _HOUR,
            ),
            query_deadline=seconds(
                "QUERY_DEADLINE",
                "How long a network query may run, waiting included; pharmacy and lab can take days.",
                3 * _DAY,
                60,
                _MONTH,
            ),
            consolidated_lifetime=seconds(
                "CONSOLIDATED_QUERY_LIFETIME",
                "How long a consolidated query may take to deliver; usually minutes, and a webhook "
                "that Metriport sends again days later brings a dead link.",
                6 * _HOUR,
                60,
                7 * _DAY,
            ),
            registration_lifetime=seconds(
                "REGISTRATION_LIFETIME",
                "How long a registration may wait for Metriport: a day, to outlast an outage.",
                _DAY,
                60,
                7 * _DAY,
            ),
            page_lifetime=seconds(
                "HOSTED_PAGE_LIFETIME",
                "How long a browser is kept waiting for Metriport's hosted page.",
                300,
                30,
                _HOUR,
            ),
            parked_lifetime=seconds(
                "PARKED_WEBHOOK_LIFETIME",
                "How long a webhook of a request that nobody here started is kept to be matched: a "
                "day, to outlast a call whose outcome is unknown.",
                _DAY,
                _HOUR,
                _MONTH,
            ),
            unknown_proof_wait=seconds(
                "UNKNOWN_PROOF_WAIT",
                "How long proof is waited for before a network query of unknown outcome is sent once "
                "more (UNKNOWN_POLICY=resend): long enough for a first webhook, and short enough for "
                "the person's session (AAL2_SESSION_MAX_AGE) to serve the second call.",
                300,
                60,
                _DAY,
            ),
            records_cool_down=seconds(
                "RECORDS_COOL_DOWN",
                "How long the sources' last word answers a RequestRecords that names no freshness, "
                "without another query: an hour, for networks hold nothing new by then and a person "
                "who presses twice is not challenged twice. 0 turns it off.",
                _HOUR,
                0,
                _MONTH,
            ),
        )
