"""Record requests: each ends once or waits for something named, and what it hands out is its own patient's.

Beside what I1 to I9 say of everything, because one command does all of it here: the last state on the
compacted topic is how it ended, a ``ready`` has a data link of the vendor's about the request's patient,
and no call that was made for it carried a session of anybody else.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from tests.chaos.checker.facts import Fields, Finding, Kind, Verdict
from tests.chaos.checker.i1_effects import urls_of
from tests.chaos.checker.i4_ends import waits_of, why_open
from tests.chaos.checker.story import RECORD_REQUESTS, Event, Story, body_of, seconds

SESSION_HEADER = "x-aal2-session"
NAMED = frozenset(
    {
        *("patient", "identity_verification", "aal2_challenge", "return_confirmation", "hie_slot"),
        *("network_query_start", "network_query_proof", "sources", "consolidated_data"),
    }
)
"""What the contract lets a record request wait for."""
RESULTS = frozenset({"ready", "partial", "failed", "cancelled", "expired"})
WITH_DATA = frozenset({"ready", "partial"})


class Asked(NamedTuple):
    """One RequestRecords: its subject, its id, when it was sent, and the patient that it is about."""

    subject: str
    command_id: str
    began: float
    patient: str | None

    @property
    def name(self) -> str:
        """For sentences."""
        return f"record request {self.command_id} of {self.subject}"


def check(story: Story) -> Verdict:
    """Every RequestRecords that was sent."""
    asked = list(_asked(story))
    ends: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in story.of("RecordRequestFinished"):
        ends[event.subject, str(event["commandId"])].append(event)
    states, waits = _states(story), waits_of(story)
    broken: list[Finding] = []
    for one in asked:
        mine = ends[one.subject, one.command_id]
        if not mine:
            broken += _open(story, one, waits.get((one.subject, one.command_id)))
        broken += [line for end in mine for line in _end(story, one, end, states)]
        broken += _sessions(story, one)
        if len(mine) > 1:
            text = f"{one.name} was finished {len(mine)} times"
            broken.append(Finding(text, Kind.DUPLICATE, one.began))
    return Verdict("records", len(asked), broken)


def _asked(story: Story) -> Iterator[Asked]:
    seen = set()
    for command in story.evidence.sent:
        key = (str(command["subjectId"]), str(command["commandId"]))
        if not str(command["type"]).endswith("RequestRecords") or key in seen:
            continue
        seen.add(key)
        yield Asked(*key, story.sent_at[key], _patient(story, key, command["content"]))


def _patient(story: Story, key: tuple[str, str], content: Fields) -> str | None:
    """The one that the command names, or the one that was registered for it."""
    if content.get("patientId"):
        return str(content["patientId"])
    registered = story.of("PatientRegistered", subjectId=key[0], commandId=key[1])
    return str(registered[0]["patientId"]) if registered else None


def _open(story: Story, one: Asked, waits: tuple[str, float] | None) -> list[Finding]:
    """Why it is not in order that it has no end."""
    rejected = story.of("CommandRejected", subjectId=one.subject, commandId=one.command_id)
    if rejected or one.subject in story.erased:
        return []
    why = why_open(waits, story.evidence.at)
    if why is None and waits is not None and waits[0] not in NAMED:
        why = f"it waits for {waits[0]}, which is nothing that the contract names"
    return [] if why is None else [Finding(f"{one.name} is open: {why}", Kind.LOST, one.began)]


def _end(story: Story, one: Asked, end: Event, states: dict[str, Fields]) -> Iterator[Finding]:
    """What is wrong with how it ended, if anything is."""
    if end["result"] not in RESULTS:
        yield Finding(f"{one.name} ended as {end['result']}", Kind.WRONG, one.began)
    state = states.get(str(end["requestId"]), {})
    if one.subject not in story.erased and state.get("result") != end["result"]:
        text = f"{one.name} ended as {end['result']}, and its last state says {state.get('result')}"
        yield Finding(text, Kind.LOST, one.began)
    if end["result"] in WITH_DATA and (why := _why_not_its_data(story, one, end)) is not None:
        yield Finding(f"{one.name} ended as {end['result']}, and {why}", Kind.WRONG, one.began)


def _why_not_its_data(story: Story, one: Asked, end: Event) -> str | None:
    """Why what it hands out is not the record of its patient, if it is not."""
    patient = one.patient or str(end["patientId"])
    if end["patientId"] != patient:
        return f"names patient {end['patientId']} instead of {patient}"
    sent = urls_of(story, patient)
    link = story.links.get(str(end["linkId"]))
    if link is None:
        return "has no link to the data that the vendor sent" if sent else None
    whose = (link["kind"], link["subjectId"], link["patientId"])
    if whose != ("consolidated_data", one.subject, patient):
        return f"its link is {whose}"
    return None if link["url"] in sent else "its link leads to nothing that the vendor sent of it"


def _sessions(story: Story, one: Asked) -> list[Finding]:
    """Calls made for it with a session of another patient, as the vendor knows sessions."""
    mine = {query for query, owner in story.query_owner.items() if owner == one[:2]}
    broken = []
    for call in story.calls("start-network-query"):
        ours = (body_of(call).get("metadata") or {}).get("iasQueryId")
        token = call["headers"].get(SESSION_HEADER)
        session = story.evidence.vendor["aal2_sessions"].get(token)
        if ours in mine and (session is None or session["patient_id"] != one.patient):
            text = f"call {call['number']} for {one.name} carries no session of its patient"
            broken.append(Finding(text, Kind.WRONG, seconds(call["at"])))
    return broken


def _states(story: Story) -> dict[str, Fields]:
    """The last state of each request on its topic; the broker compacts to no less."""
    records = [one for one in story.evidence.records if one.topic == RECORD_REQUESTS]
    found: dict[str, Fields] = {}
    for one in sorted(records, key=lambda record: (record.partition, record.offset)):
        if one.value:
            state = json.loads(one.value)
            found[str(state["requestId"])] = state
    return found
