"""I4: every command that was sent has its final event, or waits for something named, with a deadline.

The ends are those of the contract's table; ``CommandRejected`` can end every command, except that a
reused id ends nothing, and ``SubjectErased`` ends all of its subject's.
"""

from collections import defaultdict
from typing import Final

from tests.chaos.checker.facts import Fields, Finding, Kind, Verdict
from tests.chaos.checker.story import COMMANDS, Story

OVERDUE: Final = 90.0
"""Seconds after a deadline by which its end must have been told; pending steps have a minute of grace."""

_REGISTERED: Final = ("PatientRegistered", "PatientRegistrationFailed")
_DATA: Final = ("ConsolidatedDataReady", "ConsolidatedDataFailed")
ENDS: Final[dict[str, tuple[str, ...]]] = {
    "RegisterPatient": _REGISTERED,
    "LinkPatient": _REGISTERED,
    "StartIdentityVerification": (
        "IdentityVerified",
        "IdentityVerificationExpired",
        "IdentityVerificationFailed",
    ),
    "AdoptIdentity": ("IdentityVerified",),
    "StartAal2Challenge": ("Aal2SessionReceived", "Aal2ChallengeFailed", "Aal2ChallengeExpired"),
    "ConfirmReturn": ("ReturnConfirmed",),
    "CompleteAal2Challenge": ("Aal2SessionReceived",),
    "StartNetworkQuery": (
        "NetworkQueryFinished",
        "NetworkQueryRefused",
        "NetworkQueryOutcomeUnknown",
    ),
    "StartConsolidatedQuery": _DATA,
    "RenewDataLink": _DATA,
    "RequestRecords": ("RecordRequestFinished",),
    "CancelRecordRequest": ("RecordRequestFinished",),
    "RevokeIdentity": ("IdentityRevoked",),
    "EraseSubject": (),
}


def check(story: Story) -> Verdict:
    """Every command by its subject and id, however often it was sent."""
    sent: dict[tuple[str, str], Fields] = {}
    for command in story.evidence.sent:
        sent.setdefault((command["subjectId"], command["commandId"]), command)
    ended, waiting = _ended(story), waits_of(story)
    broken = []
    for key, command in sent.items():
        kind = str(command["type"]).removeprefix("ias.command.")
        is_over = bool(ended[key] & {*ENDS[kind], "CommandRejected"}) or key[0] in story.erased
        why = None if is_over else why_open(waiting.get(key), story.evidence.at)
        if why is not None:
            text = f"{kind} {key[1]} of {key[0]} has no final event, and {why}"
            broken.append(Finding(text, Kind.LOST, story.sent_at[key]))
    arrived = sum(record.topic == COMMANDS for record in story.evidence.records)
    if arrived < len(sent):
        text = f"{len(sent)} commands were sent, and {arrived} are on the topic"
        broken.append(Finding(text, Kind.LOST))
    return Verdict("I4", len(sent), broken)


def _ended(story: Story) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for event in story.told:
        if event["reason"] != "command_id_reused" and event["commandId"]:
            found[event.subject, str(event["commandId"])].add(event.name)
    return found


def waits_of(story: Story) -> dict[tuple[str, str], tuple[str, float]]:
    """What each command waits for, by subject and id, and until when."""
    return {
        (one.subject_id, one.command_id): (one.what, one.deadline) for one in story.evidence.waiting
    }


def why_open(waits: tuple[str, float] | None, now: float) -> str | None:
    """Why it is not in order that the command is open; ``None`` when it is."""
    if waits is None:
        return "nothing waits for it"
    what, deadline = waits
    if deadline + OVERDUE < now:
        return f"its {what} has been over for {now - deadline:.0f} s"
    return None
