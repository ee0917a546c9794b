"""Record requests: what the database says about one, and what can be decided of it.

A record request runs the whole flow for a person. It is not told what happened: it is looked at, again
and again, and whatever is missing next is started or waited for (``record_request_table``). So it does
not matter in which order things happen, who caused them, or how often a look is repeated.

    registration → identity_verification → aal2_challenge ⇄ network_query → consolidated_query → finished
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from schemas.reasons import Reason
from schemas.record_requests import RecordResult, RecordStep, WaitingFor
from schemas.sources import PurposeOfUse, Source, SourceStatus
from service.ias.consolidated import ConsolidatedState
from service.ias.identity import VerificationState
from service.ias.network_query import QueryState, SourceRow

MAX_CHALLENGES: Final = 3
"""So often is a person asked for a challenge on behalf of one request: who came back twice in vain, or
was never confirmed by the application, needs a human's help and not another link."""

LONGEST_MARGIN: Final = timedelta(minutes=10)
SHARE_FOR_MARGIN: Final = 8
"""The consolidated query takes minutes. It is started ten before the deadline, whatever still runs; of a
request that lives shorter than 80, an eighth of its life before."""

SLOT_PAUSE: Final = timedelta(seconds=10)
"""How often the patient's HIE slot is looked at: another subject's query frees it without a word to this
one."""

RANK: Final[Mapping[RecordStep, int]] = {
    RecordStep.REGISTRATION: 0,
    RecordStep.IDENTITY_VERIFICATION: 1,
    RecordStep.AAL2_CHALLENGE: 2,
    RecordStep.NETWORK_QUERY: 2,
    RecordStep.CONSOLIDATED_QUERY: 3,
    RecordStep.FINISHED: 4,
}
"""How far each step is; no decision leads to a lower one. Challenge and query share a rank, because a
session that is too old, or that Metriport refuses, takes another challenge."""


class Registration(StrEnum):
    """Where the registration that was started for the request stands."""

    DUE = "due"
    REGISTERED = "registered"
    FAILED = "failed"


class Challenge(StrEnum):
    """The newest challenge that the request asked the person for, or shares with another request.

    *Returned*: the person is back and the application has not confirmed it. *Over*: it ended, or what it
    brought cannot be used (any more).
    """

    OPEN = "open"
    RETURNED = "returned"
    OVER = "over"


@dataclass(frozen=True, kw_only=True)
class AttachedQuery:
    """The network query that answers the request: started for it, or for another of the same subject.

    ``reason``: why it was refused. ``needs_session``: it waits because Metriport refused its session.
    ``is_current``: it was started with the identity that is active now. ``is_accepted``: Metriport has
    taken it. ``refused``: why its record, and news of its sources, may not be handed out (I9), then.
    """

    state: QueryState
    is_own: bool
    sources: Mapping[Source, SourceRow]
    is_current: bool = True
    is_accepted: bool = False
    needs_session: bool = False
    reason: Reason | None = None
    refused: Reason | None = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """The consolidated query of the request, or what it was renewed as when its link came dead."""

    state: ConsolidatedState
    reason: Reason | None = None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the database says about one request that has not ended.

    ``is_registering``: Metriport is being asked for the patient at this moment.
    ``link``: the purpose of the subject's link to the patient. ``serves``: a query that runs, or ended
    recently enough, could answer it. ``slot_is_free``: no other HIE query runs for the patient, or this
    request needs none. ``has_session``: a session that a call may carry now.
    """

    step: RecordStep
    created_at: datetime
    deadline: datetime
    wanted: frozenset[Source]
    cancelled: bool = False
    revoked: bool = False
    registration: Registration | None = None
    registration_reason: Reason | None = None
    is_registering: bool = False
    link: PurposeOfUse | None = None
    is_proofed: bool = False
    verification: VerificationState | None = None
    query: AttachedQuery | None = None
    serves: bool = False
    slot_is_free: bool = True
    has_session: bool = False
    challenge: Challenge | None = None
    challenges: int = 0
    record: Record | None = None

    @property
    def rows(self) -> dict[Source, SourceRow]:
        """The sources that this request asked for; empty without a query."""
        rows = {} if self.query is None else self.query.sources
        return {source: row for source, row in rows.items() if source in self.wanted}

    @property
    def statuses(self) -> dict[Source, SourceStatus]:
        """How they stand."""
        return {source: row.status for source, row in self.rows.items()}

    @property
    def collect_at(self) -> datetime:
        """When the record is asked for, whatever still runs."""
        share = (self.deadline - self.created_at) / SHARE_FOR_MARGIN
        return self.deadline - min(LONGEST_MARGIN, share)


class Act(StrEnum):
    """Everything that can be started for a request; the word is also the label of metrics."""

    LINK_PATIENT = "link the patient"
    ASK_IDENTITY = "ask the person to prove who they are"
    ASK_CHALLENGE = "ask the person for a challenge"
    START_QUERY = "start a network query"
    JOIN_QUERY = "take the query that serves"
    LEAVE_QUERY = "let go of the query"
    START_RECORD = "start a consolidated query"


@dataclass(frozen=True)
class Start:
    """Start this now, then look again."""

    act: Act
    step: RecordStep


@dataclass(frozen=True)
class Wait:
    """Nothing to do before this has happened, or the deadline has come."""

    step: RecordStep
    waiting_for: WaitingFor


@dataclass(frozen=True)
class End:
    """It is over."""

    result: RecordResult
    reason: Reason | None = None
    step: RecordStep = field(default=RecordStep.FINISHED, init=False)


Choice = Start | Wait | End
