"""The tables of identity verifications and of the identities they lead to.

The guards are in ``service.ias.identity``: what a webhook claims and whom it belongs to.
"""

from enum import StrEnum
from typing import Final

from schemas.events import (
    IdentityRevoked,
    IdentityVerificationExpired,
    IdentityVerificationFailed,
    IdentityVerified,
)
from service.ias.identity import IdentityState as I
from service.ias.identity import VerificationState as V
from service.ias.machine import Effect, Machine, Step


class VerificationCue(StrEnum):
    """What a verification can be told."""

    PROVED = "proved"
    PROVED_KNOWN = "proved_known"
    CONFLICT = "conflict"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"
    ERASED = "erased"


_VC = VerificationCue
_BOUND = (IdentityVerified,)
_FAILED = (IdentityVerificationFailed,)
_STOP = (Effect.STOP_HOLDER, Effect.KEEP_UNBOUND)

VERIFICATION: Final = Machine(
    name="Identity verification",
    about="A person proves who they are (NIST IAL2) on a page that Metriport hosts.",
    start=(V.PENDING,),
    rank={
        V.PENDING: 0,
        V.EXPIRED: 1,
        V.VERIFIED: 2,
        V.SUPERSEDED: 3,
        V.REVOKED: 3,
        V.FAILED: 3,
    },
    cues={
        _VC.PROVED: "a webhook that belongs here brought an identity nobody holds",
        _VC.PROVED_KNOWN: "a webhook that belongs here brought an identity this person holds",
        _VC.CONFLICT: "the identity is held by somebody else, or was stopped for that",
        _VC.EXPIRED: "nobody finished in time (sweeper)",
        _VC.SUPERSEDED: "a newer verification of the same subject and patient was proved",
        _VC.REVOKED: "the application revoked the person's identity",
        _VC.ERASED: "the subject is being erased",
    },
    steps={
        V.PENDING: {
            _VC.PROVED: Step(V.VERIFIED, "the person is proofed", _BOUND, (Effect.BIND_IDENTITY,)),
            _VC.PROVED_KNOWN: Step(
                V.VERIFIED, "proofed once more", _BOUND, (Effect.ACTIVATE_IDENTITY,)
            ),
            _VC.CONFLICT: Step(V.FAILED, "one identity for two people: neither", _FAILED, _STOP),
            _VC.EXPIRED: Step(V.EXPIRED, "its time is over", (IdentityVerificationExpired,)),
            _VC.REVOKED: Step(V.REVOKED, "whoever revokes does not wait for a proof", _FAILED),
            _VC.ERASED: Step(V.REVOKED, "the receipt of the erasure says it"),
        },
        V.EXPIRED: {
            _VC.PROVED: Step(
                V.VERIFIED, "late, but matched by id", _BOUND, (Effect.BIND_IDENTITY,)
            ),
            _VC.PROVED_KNOWN: Step(
                V.VERIFIED, "late, but matched by id", _BOUND, (Effect.ACTIVATE_IDENTITY,)
            ),
            _VC.CONFLICT: Step(V.FAILED, "one identity for two people: neither", _FAILED, _STOP),
            _VC.REVOKED: Step(V.REVOKED, "a late webhook must not verify; its end was told"),
            _VC.ERASED: Step(V.REVOKED, "the receipt of the erasure says it"),
        },
        V.VERIFIED: {
            _VC.PROVED: Step(
                V.VERIFIED, "the vendor made another identity", _BOUND, (Effect.BIND_IDENTITY,)
            ),
            _VC.CONFLICT: Step(V.FAILED, "one identity for two people: neither", _FAILED, _STOP),
            _VC.SUPERSEDED: Step(V.SUPERSEDED, "the newer proof counts"),
            _VC.REVOKED: Step(V.REVOKED, "IdentityRevoked tells it, of the identity"),
            _VC.ERASED: Step(V.REVOKED, "the receipt of the erasure says it"),
        },
        V.SUPERSEDED: {
            _VC.CONFLICT: Step(V.FAILED, "one identity for two people: neither", _FAILED, _STOP),
            _VC.REVOKED: Step(V.REVOKED, "IdentityRevoked tells it, of the identity"),
            _VC.ERASED: Step(V.REVOKED, "the receipt of the erasure says it"),
        },
    },
    otherwise={
        V.PENDING: "an older verification may still be proved; the newest identity is used",
        V.EXPIRED: "its end was told",
        V.VERIFIED: "a repeat is no news, and what is proved does not run out",
        V.SUPERSEDED: "final: a newer one has its place",
        V.REVOKED: "final: what comes late is kept sealed, as unbound",
        V.FAILED: "final: an operator must look",
    },
)


class IdentityCue(StrEnum):
    """What an identity can be told."""

    PROVED = "proved"
    NEWER_PROVED = "newer_proved"
    CONFLICT = "conflict"
    REVOKED = "revoked"
    ERASED = "erased"


_IC = IdentityCue
_CONFLICT: Final = Step(
    I.STOPPED, "presented for two people: neither may use it", (IdentityRevoked,)
)

IDENTITY: Final = Machine(
    name="Identity",
    about=(
        "A proofed identity. Only an active one is used, and a subject has one for a patient. A new "
        "proof by the same person brings a revoked one back; nothing brings a stopped one back."
    ),
    start=(I.ACTIVE,),
    rank={I.ACTIVE: 0, I.SUPERSEDED: 0, I.REVOKED: 0, I.STOPPED: 1},
    cues={
        _IC.PROVED: "the same person proved it through a verification that was open",
        _IC.NEWER_PROVED: "another identity of the same subject and patient was proved",
        _IC.CONFLICT: "it was presented for somebody else",
        _IC.REVOKED: "the application revoked it",
        _IC.ERASED: "the subject is being erased",
    },
    steps={
        I.ACTIVE: {
            _IC.NEWER_PROVED: Step(I.SUPERSEDED, "the newest proof counts"),
            _IC.CONFLICT: _CONFLICT,
            _IC.REVOKED: Step(I.REVOKED, "asked for", (IdentityRevoked,)),
            _IC.ERASED: Step(I.REVOKED, "the receipt of the erasure says it"),
        },
        I.SUPERSEDED: {
            _IC.PROVED: Step(I.ACTIVE, "proved again, so it is the newest"),
            _IC.CONFLICT: _CONFLICT,
            _IC.REVOKED: Step(I.REVOKED, "all of a person's identities go"),
            _IC.ERASED: Step(I.REVOKED, "the receipt of the erasure says it"),
        },
        I.REVOKED: {
            _IC.PROVED: Step(I.ACTIVE, "a fresh verification after the revocation"),
            _IC.CONFLICT: _CONFLICT,
        },
    },
    otherwise={
        I.ACTIVE: "it is in use already",
        I.SUPERSEDED: "it is not in use",
        I.REVOKED: "it is not in use",
        I.STOPPED: "final: an operator must look",
    },
)
