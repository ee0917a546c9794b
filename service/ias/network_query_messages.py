"""What a network query is told, how it stands, and what it decides: values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from schemas.ids import VendorRequestId
from schemas.metriport.api import NetworkQuery as Answer
from schemas.reasons import Reason
from schemas.sources import PurposeOfUse, Source
from service.ias.machine import Decision
from service.ias.network_query import QueryState, SourceRow, Update
from service.ias.network_query_table import QueryCue
from service.ias.telling import Head

Origin = Literal["webhook", "poll", "response"]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A query as the rules see it.

    ``may_be_told``: the subject may hear of the patient's data now (I9): the query is for treatment,
    or an identity of the subject for the patient is active. ``withheld``: the identity was revoked
    after the query began; its end was told then, and nothing is told any more.
    """

    state: QueryState
    purpose: PurposeOfUse
    deadline: datetime
    sources: Mapping[Source, SourceRow]
    may_be_told: bool
    head: Head
    withheld: bool = False


@dataclass(frozen=True, kw_only=True)
class QueryDecision(Decision[QueryState]):
    """A decision, with the news of sources to be stored and the vendor's id once it is known."""

    updates: tuple[Update, ...] = ()
    vendor_request_id: VendorRequestId | None = None


@dataclass(frozen=True, kw_only=True)
class Turn:
    """The query's turn to be sent has come; what was found when everything was checked again.

    ``can_ask``: another call showed that its session is dead, and the person can be asked for one.
    """

    refused: Reason | None
    slot_is_free: bool
    has_proof: bool
    can_ask: bool = False


@dataclass(frozen=True)
class Answered:
    """The vendor accepted the call."""

    answer: Answer


@dataclass(frozen=True)
class Refusing:
    """The vendor refused the call for good."""

    reason: Reason
    message: str


@dataclass(frozen=True, kw_only=True)
class SessionRefused:
    """The vendor refused the call with this status, in a way that may mean the session.

    ``refused_before``: how many sessions it has refused for this query before.
    ``can_ask``: a fresh challenge could send the person back to where the application wanted.
    """

    status: int
    refused_before: int
    can_ask: bool


@dataclass(frozen=True)
class ProofFound:
    """The vendor runs the query under this id, as a webhook or a status shows."""

    vendor_request_id: VendorRequestId


@dataclass(frozen=True)
class News:
    """One source moved on."""

    update: Update
    origin: Origin


Plain = Literal[
    QueryCue.NOT_SENT,
    QueryCue.UNCLEAR,
    QueryCue.SESSION_RENEWED,
    QueryCue.RESEND,
    QueryCue.DATABASE_CHANGED,
    QueryCue.EXPIRED,
    QueryCue.REVOKED,
    QueryCue.CANCELLED,
    QueryCue.ERASED,
]
"""Messages without data are their cue."""

Message = Turn | Answered | Refusing | SessionRefused | ProofFound | News | Plain
