"""The tables of network queries and of their sources.

The guards are in ``service.ias.network_query`` (what the vendor's words mean) and
``service.ias.network_query_steps`` (which cue a message is).
"""

from enum import StrEnum
from typing import Final

from schemas.events import (
    NetworkQueryFinished,
    NetworkQueryOutcomeUnknown,
    NetworkQueryQueued,
    NetworkQueryRefused,
    NetworkQuerySourceUpdated,
    NetworkQueryStarted,
)
from schemas.sources import SourceStatus as P
from service.ias.machine import Effect, Machine, Step
from service.ias.network_query import QueryState as Q


class QueryCue(StrEnum):
    """What a network query can be told."""

    SLOT_TAKEN = "slot_taken"
    CLEARED = "cleared"
    TURNED_DOWN = "turned_down"
    NOT_SENT = "not_sent"
    UNCLEAR = "unclear"
    VENDOR_REFUSED = "vendor_refused"
    SESSION_REFUSED = "session_refused"
    SESSION_REFUSED_FOR_GOOD = "session_refused_for_good"
    SESSION_RENEWED = "session_renewed"
    ACCEPTED = "accepted"
    PROOF_FOUND = "proof_found"
    RESEND = "resend"
    ALL_COMPLETED = "all_completed"
    SOME_FAILED = "some_failed"
    ALL_FAILED = "all_failed"
    DATABASE_CHANGED = "database_changed"
    EXPIRED = "expired"
    REVOKED = "revoked"
    CANCELLED = "cancelled"
    ERASED = "erased"


_C = QueryCue
_FREE = (Effect.FREE_HIE_SLOT,)
_PROVES = (Effect.PROVE_SESSION,)
_NOT_MADE = (Effect.FREE_HIE_SLOT, Effect.RETURN_USE, Effect.ASK_AGAIN)
_ASKS: Final = Step(
    Q.WAITING,
    "for the person, who is asked once",
    (),
    (Effect.FREE_HIE_SLOT, Effect.REFUSE_SESSION, Effect.ASK_PERSON),
)
_REFUSED = (NetworkQueryRefused,)
_STARTED = (NetworkQueryStarted,)
_UNKNOWN = (NetworkQueryOutcomeUnknown,)
_MAYBE_SENT: Final = "the intent of a call may be among what the database lost (I3)"
_STILL_UNKNOWN: Final = "what came of the second call says nothing of the first"
_PROVEN_NOW: Final = "proof was faster; the session is proven now"
_FINISHED = (NetworkQueryFinished,)
_GOES: Final = {
    _C.CLEARED: Step(
        Q.DISPATCHING, "the intent is committed before the call", (), (Effect.CALL_VENDOR,)
    ),
    _C.SLOT_TAKEN: Step(
        Q.WAITING, "the vendor skips HIE of a second query", (), (Effect.ASK_AGAIN,)
    ),
    _C.SESSION_REFUSED: _ASKS,
    _C.TURNED_DOWN: Step(Q.REFUSED, "checked again right before the call", _REFUSED, _FREE),
    _C.PROOF_FOUND: Step(Q.STARTED, "the vendor runs it: no second call", _STARTED),
    _C.DATABASE_CHANGED: Step(Q.UNKNOWN, _MAYBE_SENT, _UNKNOWN),
    _C.EXPIRED: Step(Q.REFUSED, "its deadline passed before it was sent", _REFUSED, _FREE),
    _C.REVOKED: Step(Q.REFUSED, "nothing is asked for without the identity", _REFUSED, _FREE),
    _C.CANCELLED: Step(Q.REFUSED, "what was not sent is not sent any more", _REFUSED, _FREE),
    _C.ERASED: Step(Q.REFUSED, "the receipt of the erasure says it", (), _FREE),
}
_ENDS: Final = {
    _C.ALL_COMPLETED: Step(Q.COMPLETED, "every source has completed", _FINISHED),
    _C.SOME_FAILED: Step(Q.PARTIAL, "every source has ended, some without data", _FINISHED),
    _C.ALL_FAILED: Step(Q.FAILED, "every source has failed", _FINISHED),
}

QUERY: Final = Machine(
    name="Network query",
    about=(
        "Nothing of sources (started, updated, finished) is told while the subject has no active "
        "identity (I9; treatment needs none), and nothing at all once its identity was revoked. A "
        "query that the vendor runs ends by what its sources say; while they still run at its "
        "deadline, it is told as partial."
    ),
    start=(Q.DUE,),
    rank={
        Q.WAITING: 0,
        Q.DUE: 0,
        Q.DISPATCHING: 0,
        Q.UNKNOWN: 1,
        Q.RESENDING: 1,
        Q.STARTED: 2,
        Q.REFUSED: 3,
        Q.COMPLETED: 3,
        Q.PARTIAL: 3,
        Q.FAILED: 3,
    },
    cues={
        _C.SLOT_TAKEN: "its turn came, but another query with HIE runs for the patient",
        _C.CLEARED: "its turn came and every check was passed",
        _C.TURNED_DOWN: "its turn came and a check failed: deadline, purpose, identity or session",
        _C.NOT_SENT: "the call was provably not acted on",
        _C.UNCLEAR: "the call was sent and no readable answer came",
        _C.VENDOR_REFUSED: "the vendor refused the call for good",
        _C.SESSION_REFUSED: "the vendor refused its session, to it or to another call; for the first time",
        _C.SESSION_REFUSED_FOR_GOOD: "the same of a fresh session, or nobody can be asked for one",
        _C.SESSION_RENEWED: "the application vouched for a fresh session (ConfirmReturn)",
        _C.ACCEPTED: "the vendor answered 2xx with its request id",
        _C.PROOF_FOUND: "a webhook or a status proves that the vendor runs it",
        _C.RESEND: "no proof came in time, and UNKNOWN_POLICY is to send it once more",
        _C.ALL_COMPLETED: "with a source's news every source has completed",
        _C.SOME_FAILED: "with a source's news every source has ended, and some failed",
        _C.ALL_FAILED: "with a source's news every source has failed",
        _C.DATABASE_CHANGED: "the database was restored or failed over, and an operator lets calls out again",
        _C.EXPIRED: "its deadline passed (sweeper)",
        _C.REVOKED: "the identity was revoked or stopped",
        _C.CANCELLED: "the record request that it was started for was cancelled",
        _C.ERASED: "the subject is being erased",
    },
    steps={
        Q.WAITING: {
            **_GOES,
            _C.SESSION_RENEWED: Step(Q.DUE, "it goes on by itself", (), (Effect.ASK_AGAIN,)),
        },
        Q.DUE: _GOES,
        Q.DISPATCHING: {
            _C.NOT_SENT: Step(Q.DUE, "safe to repeat", (), _NOT_MADE),
            _C.UNCLEAR: Step(Q.UNKNOWN, "never repeated blindly (I3)", _UNKNOWN),
            _C.VENDOR_REFUSED: Step(Q.REFUSED, "for good", _REFUSED, _FREE),
            _C.SESSION_REFUSED: _ASKS,
            _C.SESSION_REFUSED_FOR_GOOD: Step(
                Q.REFUSED,
                "asking once more would not help",
                _REFUSED,
                (Effect.FREE_HIE_SLOT, Effect.REFUSE_SESSION),
            ),
            _C.ACCEPTED: Step(Q.STARTED, "a 2xx proves the session too", _STARTED, _PROVES),
            _C.PROOF_FOUND: Step(Q.STARTED, "the webhook was faster than the answer", _STARTED),
            _C.REVOKED: Step(
                Q.DISPATCHING, "under way; its end is told, and nothing after", _REFUSED
            ),
        },
        Q.UNKNOWN: {
            _C.ACCEPTED: Step(Q.STARTED, "the answer came after all", _STARTED, _PROVES),
            _C.PROOF_FOUND: Step(Q.STARTED, "proof ends the doubt", _STARTED),
            _C.EXPIRED: Step(Q.UNKNOWN, "proof may still come; others need the slot", (), _FREE),
            _C.RESEND: Step(
                Q.RESENDING,
                "once, and told: the vendor may run it twice",
                (NetworkQueryQueued,),
                (Effect.ASK_AGAIN,),
            ),
        },
        Q.RESENDING: {
            _C.CLEARED: Step(
                Q.RESENDING, "the intent is committed before the call", (), (Effect.CALL_VENDOR,)
            ),
            _C.SLOT_TAKEN: Step(
                Q.RESENDING, "the vendor skips HIE of a second query", (), (Effect.ASK_AGAIN,)
            ),
            _C.NOT_SENT: Step(
                Q.RESENDING, "safe to repeat", (), (Effect.RETURN_USE, Effect.ASK_AGAIN)
            ),
            _C.TURNED_DOWN: Step(Q.UNKNOWN, _STILL_UNKNOWN, _UNKNOWN),
            _C.UNCLEAR: Step(Q.UNKNOWN, _STILL_UNKNOWN, _UNKNOWN),
            _C.VENDOR_REFUSED: Step(Q.UNKNOWN, _STILL_UNKNOWN, _UNKNOWN),
            _C.SESSION_REFUSED: Step(Q.UNKNOWN, _STILL_UNKNOWN, _UNKNOWN, (Effect.REFUSE_SESSION,)),
            _C.SESSION_REFUSED_FOR_GOOD: Step(
                Q.UNKNOWN, _STILL_UNKNOWN, _UNKNOWN, (Effect.REFUSE_SESSION,)
            ),
            _C.ACCEPTED: Step(Q.STARTED, "a 2xx proves the session too", _STARTED, _PROVES),
            _C.PROOF_FOUND: Step(Q.STARTED, "the vendor runs the first call", _STARTED),
            _C.DATABASE_CHANGED: Step(Q.UNKNOWN, _MAYBE_SENT, _UNKNOWN),
            _C.EXPIRED: Step(Q.UNKNOWN, "proof may still come; others need the slot", (), _FREE),
            _C.REVOKED: Step(Q.UNKNOWN, "nothing is asked for without the identity"),
        },
        Q.STARTED: {
            **_ENDS,
            _C.REVOKED: Step(Q.STARTED, "it runs on; its end is told, and nothing after", _REFUSED),
            _C.ACCEPTED: Step(Q.STARTED, _PROVEN_NOW, (), _PROVES),
            _C.EXPIRED: Step(
                Q.PARTIAL, "told as it stands; what comes later is told too", _FINISHED, _FREE
            ),
        },
        Q.COMPLETED: {**_ENDS, _C.ACCEPTED: Step(Q.COMPLETED, _PROVEN_NOW, (), _PROVES)},
        Q.PARTIAL: {**_ENDS, _C.ACCEPTED: Step(Q.PARTIAL, _PROVEN_NOW, (), _PROVES)},
        Q.FAILED: {**_ENDS, _C.ACCEPTED: Step(Q.FAILED, _PROVEN_NOW, (), _PROVES)},
    },
    otherwise={
        Q.WAITING: "the vendor took no call, so no answer or news can be its own",
        Q.DUE: "no call was made, so no answer or news can be its own",
        Q.DISPATCHING: "a call under way cannot be called back; its outcome decides",
        Q.UNKNOWN: "told as unknown; only proof changes it",
        Q.RESENDING: "told as unknown; only proof or the second call changes it",
        Q.STARTED: "the vendor runs it, and it is let run to its end",
        Q.REFUSED: "final: it was never started",
        Q.COMPLETED: "final, but for a source's later word",
        Q.PARTIAL: "final, but for a source's later word",
        Q.FAILED: "final, but for a source's later word",
    },
)


class SourceCue(StrEnum):
    """What one source of a query can be told."""

    RUNS = "runs"
    EARLY_DATA = "early_data"
    EARLY_AGAIN = "early_again"
    COMPLETED = "completed"
    FAILED = "failed"
    COMPLETED_LATER = "completed_later"
    FAILED_LATER = "failed_later"


_SC = SourceCue
_UPDATED = (NetworkQuerySourceUpdated,)
_DONE: Final = Step(P.COMPLETED, "first word on its end", _UPDATED, _FREE)
_BROKE: Final = Step(P.FAILED, "first word on its end", _UPDATED, _FREE)

SOURCE: Final = Machine(
    name="Source of a network query",
    about=(
        "A finished source stays finished unless a later completedAt says otherwise. A word without "
        "a time counts as older than any with one; of two at the same time, completed wins. So the "
        "last word does not depend on the order of arrival. The slot is freed by the HIE source alone."
    ),
    start=(P.PROCESSING,),
    rank={P.PROCESSING: 0, P.COMPLETED: 1, P.FAILED: 1},
    cues={
        _SC.RUNS: "any status word that is not final",
        _SC.EARLY_DATA: "first-data-ready, for the first time",
        _SC.EARLY_AGAIN: "first-data-ready, once more",
        _SC.COMPLETED: "completed, not later than what is known",
        _SC.FAILED: "failed, not later than what is known",
        _SC.COMPLETED_LATER: "completed, later than what is known",
        _SC.FAILED_LATER: "failed, later than what is known",
    },
    steps={
        P.PROCESSING: {
            _SC.EARLY_DATA: Step(P.PROCESSING, "first data are there; never final", _UPDATED),
            _SC.COMPLETED: _DONE,
            _SC.COMPLETED_LATER: _DONE,
            _SC.FAILED: _BROKE,
            _SC.FAILED_LATER: _BROKE,
        },
        P.COMPLETED: {
            _SC.COMPLETED_LATER: Step(P.COMPLETED, "the later time is kept, and not told"),
            _SC.FAILED_LATER: Step(P.FAILED, "the later word counts", _UPDATED),
        },
        P.FAILED: {
            _SC.COMPLETED_LATER: Step(P.COMPLETED, "the later word counts", _UPDATED),
            _SC.FAILED_LATER: Step(P.FAILED, "the later time is kept, and not told"),
        },
    },
    otherwise={
        P.PROCESSING: "it runs, as is known",
        P.COMPLETED: "nothing that is older, or not final, changes an end",
        P.FAILED: "nothing that is older, or not final, changes an end",
    },
)
