"""I9: a patient's data, and what became of its sources, is told to an entitled subject alone.

Entitled: an identity of the subject's for this patient is active at that place in its sequence, and the
vendor accepted a query that carried a session of an identity of the subject's own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.chaos.checker.facts import Finding, Kind, Verdict
from tests.chaos.checker.story import Event, Story, answer_of, body_of

DATA = ("ConsolidatedDataReady",)
STATUS = ("NetworkQuerySourceUpdated", "NetworkQueryStarted", "NetworkQueryFinished")


@dataclass(frozen=True)
class Accepted:
    """A query that the vendor accepted: whose session it carried, and for which patient."""

    owner: str | None
    patient: str


def check(story: Story) -> Verdict:
    """Every event with news of a source, every event and link with data."""
    accepted = list(_accepted(story))
    requested = [one for one in story.of("RecordRequestFinished") if one["linkId"]]
    told = [*story.of(*DATA, *STATUS), *requested]
    broken = [
        Finding(f"{event.subject} was told {event.name}, and {why}", Kind.WRONG, story.began(event))
        for event in told
        if (why := _why_not(story, event, accepted)) is not None
    ]
    links = [one for one in story.links.values() if one["kind"] == "consolidated_data"]
    ready = {(one.subject, one["patientId"], one["linkId"]) for one in story.of(*DATA)}
    broken += [
        Finding(
            f"{link['subjectId']} was given a data link that no event of theirs names",
            Kind.WRONG,
            story.issued_at[link["linkId"]],
        )
        for link in links
        if (link["subjectId"], link["patientId"], link["linkId"]) not in ready
        and link["subjectId"] not in story.erased
    ]
    return Verdict("I9", len(told) + len(links), broken)


def _accepted(story: Story) -> Iterator[Accepted]:
    """From the ledger: the call carried the session, its answer or the vendor's state says accepted."""
    running = {query["ours"] for query in story.vendor_queries.values()}
    for call in story.calls("start-network-query"):
        ours = (body_of(call).get("metadata") or {}).get("iasQueryId")
        session = story.evidence.vendor["aal2_sessions"].get(call["headers"].get("x-aal2-session"))
        known = answer_of(call).get("requestId") in story.vendor_queries
        if session is not None and (known or (call["answer"] is None and ours in running)):
            owner = story.identity_owner.get(session["identity_id"])
            yield Accepted(owner, str(call["query"].get("patientId")))


def _why_not(story: Story, event: Event, accepted: list[Accepted]) -> str | None:
    """Why the subject may not be told, if it may not."""
    patient = str(event["patientId"])
    if _purpose(story, event.subject, patient) == "treatment":
        return None if event.name in STATUS else "its link is for treatment"
    if not _is_active(story, event, patient):
        return "no identity of theirs is active for the patient"
    owners = {one.owner for one in accepted if one.patient == patient}
    if event.subject not in owners and not (None in owners and _is_unknown(story, event.subject)):
        return "the vendor accepted no query with a session of theirs"
    return None


def _purpose(story: Story, subject: str, patient: str) -> str | None:
    linked = story.of("PatientRegistered", subjectId=subject, patientId=patient)
    return str(linked[0]["purpose"]) if linked else None


def _is_active(story: Story, event: Event, patient: str) -> bool:
    """By the subject's own sequence: verified before, and not revoked in between."""
    pair = {"subjectId": event.subject, "patientId": patient}
    number = event["sequence"]
    begins = [one["sequence"] for one in story.of("IdentityVerified", **pair)]
    ends = [one["sequence"] for one in story.of("IdentityRevoked", **pair)]
    last = max((one for one in begins if one < number), default=None)
    return last is not None and not any(last < one < number for one in ends)


def _is_unknown(story: Story, subject: str) -> bool:
    """Whether an identity of the subject may have come without an id of ours, so that it is nobody's here."""
    return subject not in story.identity_owner.values()
