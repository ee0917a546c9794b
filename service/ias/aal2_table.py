"""The tables of AAL2 challenges and of the sessions that come back from them.

The guards are in ``service.ias.aal2``: whether a code confirms, whether a session may be used.
"""

from enum import StrEnum
from typing import Final

from schemas.events import (
    Aal2ChallengeExpired,
    Aal2ChallengeFailed,
    Aal2SessionActivated,
    Aal2SessionExpired,
    Aal2SessionReceived,
    CommandRejected,
    ReturnConfirmed,
)
from service.ias.aal2 import ChallengeState as H
from service.ias.aal2 import SessionState as S
from service.ias.machine import Effect, Machine, Step


class ChallengeCue(StrEnum):
    """What a challenge can be told."""

    RETURNED = "returned"
    RETURNED_LATE = "returned_late"
    PRESENTED_TWICE = "presented_twice"
    EXPIRED = "expired"
    REVOKED = "revoked"
    ERASED = "erased"


_HC = ChallengeCue
_FAILED = (Aal2ChallengeFailed,)

CHALLENGE: Final = Machine(
    name="AAL2 challenge",
    about="A person answers a multifactor challenge (NIST AAL2) on a hosted page and comes back.",
    start=(H.PENDING,),
    rank={H.PENDING: 0, H.RETURNED: 1, H.EXPIRED: 1, H.FAILED: 1},
    cues={
        _HC.RETURNED: "a browser came back in time with a session id that is new",
        _HC.RETURNED_LATE: "a browser came back after the challenge's time",
        _HC.PRESENTED_TWICE: "the session id that came back was received before",
        _HC.EXPIRED: "nobody came back in time (sweeper)",
        _HC.REVOKED: "the identity was revoked or stopped",
        _HC.ERASED: "the subject is being erased",
    },
    steps={
        H.PENDING: {
            _HC.RETURNED: Step(
                H.RETURNED,
                "kept, and not usable before ConfirmReturn",
                (Aal2SessionReceived,),
                (Effect.RECEIVE_SESSION,),
            ),
            _HC.RETURNED_LATE: Step(H.FAILED, "the link had run out", _FAILED),
            _HC.PRESENTED_TWICE: Step(
                H.FAILED, "one session for two: neither", _FAILED, (Effect.REFUSE_SESSION,)
            ),
            _HC.EXPIRED: Step(H.EXPIRED, "its time is over", (Aal2ChallengeExpired,)),
            _HC.REVOKED: Step(H.FAILED, "without the identity there is no session", _FAILED),
            _HC.ERASED: Step(H.FAILED, "the receipt of the erasure says it"),
        },
    },
    otherwise={
        H.RETURNED: "final: one return; from here on the session counts",
        H.EXPIRED: "final: its end was told",
        H.FAILED: "final: its end was told",
    },
)


class SessionCue(StrEnum):
    """What a session can be told."""

    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not_confirmed"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    EXPIRED = "expired"
    REVOKED = "revoked"
    ERASED = "erased"


_SC = SessionCue
_ENDS: Final = {
    _SC.REFUSED: Step(S.REFUSED, "the vendor said no, or it was presented for two"),
    _SC.EXPIRED: Step(S.EXPIRED, "too old", (Aal2SessionExpired,)),
    _SC.REVOKED: Step(S.REFUSED, "it belongs to the identity; IdentityRevoked tells it"),
    _SC.ERASED: Step(S.REFUSED, "the receipt of the erasure says it"),
}
_REJECTED: Final = (CommandRejected,)

SESSION: Final = Machine(
    name="AAL2 session",
    about="Only a confirmed or proven session travels with a call, and only a proven one is live.",
    start=(S.RECEIVED,),
    rank={S.RECEIVED: 0, S.CONFIRMED: 1, S.PROVEN: 2, S.EXPIRED: 3, S.REFUSED: 3},
    cues={
        _SC.CONFIRMED: "the application sent the code in time, for this subject",
        _SC.NOT_CONFIRMED: "the code was too old",
        _SC.ACCEPTED: "Metriport answered 2xx to a call that carried it",
        _SC.REFUSED: "Metriport refused it, or it was presented for two subjects",
        _SC.EXPIRED: "not confirmed in time, too old or too long unused (sweeper)",
        _SC.REVOKED: "the identity was revoked or stopped",
        _SC.ERASED: "the subject is being erased",
    },
    steps={
        S.RECEIVED: {
            _SC.CONFIRMED: Step(S.CONFIRMED, "vouched for: may be used", (ReturnConfirmed,)),
            _SC.NOT_CONFIRMED: Step(S.RECEIVED, "stays unusable", _REJECTED),
            **_ENDS,
        },
        S.CONFIRMED: {
            _SC.CONFIRMED: Step(S.CONFIRMED, "a code works once", _REJECTED),
            _SC.NOT_CONFIRMED: Step(S.CONFIRMED, "a code works once", _REJECTED),
            _SC.ACCEPTED: Step(S.PROVEN, "the vendor took it: live", (Aal2SessionActivated,)),
            **_ENDS,
        },
        S.PROVEN: {
            _SC.CONFIRMED: Step(S.PROVEN, "a code works once", _REJECTED),
            _SC.NOT_CONFIRMED: Step(S.PROVEN, "a code works once", _REJECTED),
            **_ENDS,
        },
        S.EXPIRED: {
            _SC.CONFIRMED: Step(S.EXPIRED, "the session is over", _REJECTED),
            _SC.NOT_CONFIRMED: Step(S.EXPIRED, "the session is over", _REJECTED),
        },
        S.REFUSED: {
            _SC.CONFIRMED: Step(S.REFUSED, "the session is over", _REJECTED),
            _SC.NOT_CONFIRMED: Step(S.REFUSED, "the session is over", _REJECTED),
        },
    },
    otherwise={
        S.RECEIVED: "no call carries it before it is confirmed",
        S.PROVEN: "proven once is enough",
        S.EXPIRED: "final: no answer that comes late revives it",
        S.REFUSED: "final",
    },
)
