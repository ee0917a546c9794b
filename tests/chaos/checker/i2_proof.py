"""I2: no call carries a session or an identity of somebody else, or a session that is not alive.

Whose they are is what the vendor's own state says. That a session may be used is what its own subject
confirmed: a subject uses no more sessions than returns it has confirmed before the call. Alive means
younger than the product's own limit, and not refused in an earlier call: when the vendor ends a session
by itself, only a refusal can tell.
"""

from collections import defaultdict

from tests.chaos.checker.facts import Fields, Finding, Kind, Verdict
from tests.chaos.checker.story import Story, body_of, seconds

SESSION_HEADER = "x-aal2-session"
CLOCKS_DIFFER = 1.0
STALLED = 25.0
"""A call whose intent was committed before a revocation is made within so many seconds, or not at all."""

REFUSED = (401, 403)


def check(story: Story) -> Verdict:
    """Every call with a session or an identity, and every session and identity over all calls."""
    calls = [call for call in story.evidence.calls if _session(call) or _identity(call)]
    broken = [
        Finding(line, Kind.WRONG, seconds(call["at"]))
        for call in calls
        for line in _one(story, call)
    ]
    broken += _shared(story, calls)
    broken += _unconfirmed(story, calls)
    return Verdict("I2", len(calls), broken)


def _session(call: Fields) -> str | None:
    found: str | None = call["headers"].get(SESSION_HEADER)
    return found


def _identity(call: Fields) -> str | None:
    found: str | None = body_of(call).get("proofedIdentityId")
    return found


def _one(story: Story, call: Fields) -> list[str]:
    number, broken = f"call {call['number']}", []
    identity = story.evidence.vendor["identities"].get(_identity(call) or "")
    patient = call["query"].get("patientId")
    if identity is None:
        return [f"{number} carries an identity that the vendor does not know, or none"]
    if patient is not None and identity["patient_id"] != patient:
        broken.append(f"{number} carries an identity of another patient")
    owner = story.identity_owner.get(identity["id"])
    if owner is not None and _is_revoked(story, owner, identity["patient_id"], call):
        broken.append(f"{number} carries an identity that {owner} had revoked")
    if _session(call) is not None:
        broken += [f"{number} {line}" for line in _session_of(story, call, identity)]
    return broken


def _session_of(story: Story, call: Fields, identity: Fields) -> list[str]:
    session = story.evidence.vendor["aal2_sessions"].get(_session(call))
    if session is None:
        return ["carries a session that the vendor does not know"]
    broken = []
    if session["identity_id"] != identity["id"]:
        broken.append("carries a session of another identity")
    if session["patient_id"] != call["query"].get("patientId"):
        broken.append("carries a session of another patient")
    if _was_refused(story, call):
        broken.append("carries a session that the vendor had refused")
    asking, owner = _asking(story, call), story.identity_owner.get(session["identity_id"])
    if None not in {asking, owner} and asking != owner:
        broken.append(f"was made for {asking} with a session of {owner}")
    if asking is not None and not _came_back_lately(story, asking, seconds(call["at"])):
        broken.append(f"carries a session that is too old: {asking} did not come back lately")
    return broken


def _was_refused(story: Story, call: Fields) -> bool:
    """In a call of long before, by the vendor itself and not by a fault that was asked for."""
    return any(
        one["status"] in REFUSED and one["fault"] is None
        for one in story.evidence.calls
        if _session(one) == _session(call) and seconds(one["at"]) < seconds(call["at"]) - STALLED
    )


def _came_back_lately(story: Story, subject: str, at: float) -> bool:
    """Whether any session of the subject's can have been young enough: it is received after its return."""
    oldest = at - story.evidence.session_seconds - CLOCKS_DIFFER
    received = story.of("Aal2SessionReceived", subjectId=subject)
    return any(one.time >= oldest for one in received)


def _asking(story: Story, call: Fields) -> str | None:
    """Whose query the call is, by our own id in its metadata."""
    ours = str((body_of(call).get("metadata") or {}).get("iasQueryId"))
    return story.query_owner.get(ours, (None, None))[0]


def _is_revoked(story: Story, owner: str, patient: str, call: Fields) -> bool:
    """Revoked before the call, and not proven again in between."""
    pair = {"subjectId": owner, "patientId": patient}
    at = seconds(call["at"])
    ends = [one.time for one in story.of("IdentityRevoked", **pair) if one.time < at - STALLED]
    begins = [one.time for one in story.of("IdentityVerified", **pair) if one.time < at]
    return bool(ends) and max(ends) > max(begins, default=0.0)


def _shared(story: Story, calls: list[Fields]) -> list[Finding]:
    """No session or identity went out for two subjects or two patients."""
    used: dict[tuple[str, str | None], dict[tuple[str | None, str], float]] = defaultdict(dict)
    for call in calls:
        if (patient := call["query"].get("patientId")) is not None:
            who = (_asking(story, call), patient)
            used["session", _session(call)].setdefault(who, seconds(call["at"]))
            used["identity", _identity(call)].setdefault(who, seconds(call["at"]))
    return [
        Finding(
            f"one {kind} went out for {len(whose)} pairs of subject and patient",
            Kind.WRONG,
            sorted(whose.values())[1],
        )
        for (kind, value), whose in used.items()
        if value is not None and len(whose) > 1
    ]


def _unconfirmed(story: Story, calls: list[Fields]) -> list[Finding]:
    used: dict[str, set[str]] = defaultdict(set)
    broken = []
    for call in calls:
        session, subject = _session(call), _asking(story, call)
        if session is None or subject is None:
            continue
        used[subject].add(session)
        limit = seconds(call["at"]) + CLOCKS_DIFFER
        returns = story.of("ReturnConfirmed", subjectId=subject)
        confirmed = {one["linkId"] for one in returns if one.time <= limit}
        if len(used[subject]) > len(confirmed):
            text = f"call {call['number']} carries a session that {subject} did not confirm"
            broken.append(Finding(text, Kind.WRONG, seconds(call["at"])))
    return broken
