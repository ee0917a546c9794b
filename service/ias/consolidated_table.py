"""The table of consolidated queries, keyed by (vendor request id, subject).

The guards are in ``service.ias.consolidated`` (what a delivery brings) and
``service.ias.entitlement`` (whether it may be handed out).
"""

from enum import StrEnum
from typing import Final

from schemas.events import ConsolidatedDataFailed, ConsolidatedDataReady
from service.ias.consolidated import ConsolidatedState as D
from service.ias.machine import Effect, Machine, Step


class ConsolidatedCue(StrEnum):
    """What a consolidated query can be told."""

    CLEARED = "cleared"
    NOT_ENTITLED = "not_entitled"
    NOT_SENT = "not_sent"
    ALREADY_DELIVERED = "already_delivered"
    VENDOR_REFUSED = "vendor_refused"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    NO_DATA = "no_data"
    DELIVERY_FAILED = "delivery_failed"
    LINK_DIED = "link_died"
    LAST_LINK_DIED = "last_link_died"
    EXPIRED = "expired"
    REVOKED = "revoked"
    CANCELLED = "cancelled"
    ERASED = "erased"


_C = ConsolidatedCue
_FAILED = (ConsolidatedDataFailed,)
_READY = (ConsolidatedDataReady,)
_STOPS: Final = {
    _C.NOT_ENTITLED: Step(D.FAILED, "nobody else's eyes meet the record (I9)", _FAILED),
    _C.EXPIRED: Step(D.FAILED, "nothing came in time", _FAILED),
    _C.REVOKED: Step(D.FAILED, "nothing is handed out without the identity (I9)", _FAILED),
    _C.ERASED: Step(D.FAILED, "the receipt of the erasure says it"),
}
_GOES: Final = {
    _C.CLEARED: Step(
        D.DISPATCHING, "repeating the call is safe: same id", (), (Effect.CALL_VENDOR,)
    ),
    _C.CANCELLED: Step(D.FAILED, "what was not sent is not sent any more", _FAILED),
    **_STOPS,
}

CONSOLIDATED: Final = Machine(
    name="Consolidated query",
    about=(
        "Two subjects of one patient can get one vendor request id back, so it is found by that id "
        "and the subject, and each subject's entitlement is checked for itself. A link that came dead is "
        "renewed by a fresh query for the same command: the old one keeps its id, so that what still "
        "comes for that id is nobody's news, and nobody hears of its end."
    ),
    start=(D.DUE,),
    rank={D.DUE: 0, D.DISPATCHING: 0, D.STARTED: 1, D.READY: 2, D.FAILED: 2},
    cues={
        _C.CLEARED: "its turn came and the subject is entitled",
        _C.NOT_ENTITLED: "the subject is not entitled, before the call or at delivery",
        _C.NOT_SENT: "the call may be repeated",
        _C.ALREADY_DELIVERED: "the vendor gave a running id whose webhook has come meanwhile",
        _C.VENDOR_REFUSED: "the vendor refused the call, or never answered it readably",
        _C.ACCEPTED: "the vendor answered with its request id",
        _C.DELIVERED: "the webhook brought a link that lives",
        _C.NO_DATA: "the webhook says that there is nothing",
        _C.DELIVERY_FAILED: "the webhook says failed, or brought nothing of the asked kind",
        _C.LINK_DIED: "the webhook brought a link that is dead already, or was missed until it was",
        _C.LAST_LINK_DIED: "as before, of a query that was renewed as often as may be",
        _C.EXPIRED: "no webhook came in time (sweeper)",
        _C.REVOKED: "the identity was revoked or stopped",
        _C.CANCELLED: "the record request that it was started for has ended, and no call is under way",
        _C.ERASED: "the subject is being erased",
    },
    steps={
        D.DUE: _GOES,
        D.DISPATCHING: {
            **_GOES,
            _C.NOT_SENT: Step(D.DUE, "safe to repeat", (), (Effect.ASK_AGAIN,)),
            _C.ALREADY_DELIVERED: Step(D.DUE, "ask for one of our own", (), (Effect.ASK_AGAIN,)),
            _C.VENDOR_REFUSED: Step(D.FAILED, "for good", _FAILED),
            _C.ACCEPTED: Step(D.STARTED, "the link will come by webhook"),
        },
        D.STARTED: {
            **_STOPS,
            _C.DELIVERED: Step(D.READY, "the record", _READY, (Effect.ISSUE_LINK,)),
            _C.NO_DATA: Step(D.READY, "there is nothing, and that is an answer", _READY),
            _C.DELIVERY_FAILED: Step(D.FAILED, "the vendor could not deliver", _FAILED),
            _C.LINK_DIED: Step(
                D.FAILED, "a fresh one takes its place, unheard", (), (Effect.RENEW,)
            ),
            _C.LAST_LINK_DIED: Step(D.FAILED, "RenewDataLink asks again", _FAILED),
        },
    },
    otherwise={
        D.DUE: "no call was made, so no answer can be its own",
        D.DISPATCHING: "its request id is not known yet, so no delivery can be its own",
        D.STARTED: "it runs: the call has been answered",
        D.READY: "final: a link is issued once",
        D.FAILED: "final: a renewal, or RenewDataLink, starts another",
    },
)
