"""Which events end which command."""

from typing import Final

from . import commands as c
from . import events as e
from .base import Command, Event

_REGISTERED: Final = (e.PatientRegistered, e.PatientRegistrationFailed)
_DATA: Final = (e.ConsolidatedDataReady, e.ConsolidatedDataFailed)

ENDS: Final[dict[type[Command], tuple[type[Event], ...]]] = {
    c.RegisterPatient: _REGISTERED,
    c.LinkPatient: _REGISTERED,
    c.StartIdentityVerification: (
        e.IdentityVerified,
        e.IdentityVerificationExpired,
        e.IdentityVerificationFailed,
    ),
    c.AdoptIdentity: (e.IdentityVerified,),
    c.StartAal2Challenge: (
        e.Aal2SessionReceived,
        e.Aal2ChallengeFailed,
        e.Aal2ChallengeExpired,
    ),
    c.ConfirmReturn: (e.ReturnConfirmed,),
    c.CompleteAal2Challenge: (e.Aal2SessionReceived,),
    c.StartNetworkQuery: (
        e.NetworkQueryFinished,
        e.NetworkQueryRefused,
        e.NetworkQueryOutcomeUnknown,
    ),
    c.StartConsolidatedQuery: _DATA,
    c.RenewDataLink: _DATA,
    c.RequestRecords: (e.RecordRequestFinished,),
    c.CancelRecordRequest: (e.RecordRequestFinished,),
    c.RevokeIdentity: (e.IdentityRevoked,),
    c.EraseSubject: (e.SubjectErased,),
}
"""The events that end each command; ``CommandRejected`` can end every one."""
