"""The evidence, read once: events as they were told, webhooks as they were sent, and whose is what.

Whose a query, identity or session is, is concluded from what the vendor holds and from ids that were
told in events; never from the product's own tables.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from tests.chaos.checker.facts import Evidence, Fields

EVENTS = "ias.events.v1"
LINKS = "ias.links.v1"
WEBHOOKS = "metriport.webhooks.v1"
COMMANDS = "ias.commands.v1"
DEAD_LETTERS = "ias.dead-letters.v1"
RECORD_REQUESTS = "ias.record-requests.v1"
IDENTITY_VERIFIED = "ias.identity.verified"


@dataclass(frozen=True)
class Event:
    """One record of the events topic; a repeat has the ``id`` of the first."""

    name: str
    id: str
    content: Fields
    partition: int
    offset: int
    time: float

    def __getitem__(self, field: str) -> Any:
        return self.content.get(field)

    @property
    def subject(self) -> str:
        """Whom it was told to."""
        return str(self.content.get("subjectId", ""))


@dataclass(frozen=True)
class Webhook:
    """One message of the vendor's, however often it was sent. ``acked``: answered 200 at least once."""

    message_id: str
    type: str
    body: Fields
    acked: bool
    at: float
    """When it was tried for the first time."""

    @property
    def meta(self) -> Fields:
        """The envelope, with the metadata of the call that started it, also where a re-send dropped it."""
        meta: Fields = self.body.get("meta", {})
        return meta

    @property
    def payload(self) -> Fields:
        """The fields of the newer families, wherever they stand."""
        found: Fields = self.body.get("payload", self.body)
        return found

    def our_id(self, name: str) -> str | None:
        """An id of ours that the metadata brings back."""
        found: str | None = (self.meta.get("data") or {}).get(name)
        return found


class Story:
    """What the checks ask of the evidence."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    @cached_property
    def events(self) -> list[Event]:
        """Every event as it stands on the topic, repeats included, each partition in order."""
        found = [one for one in self.evidence.records if one.topic == EVENTS and one.value]
        return [
            Event(
                record.header("ce_type").removeprefix("ias.event."),
                record.header("ce_id"),
                json.loads(record.value or b""),
                record.partition,
                record.offset,
                seconds(record.header("ce_time")),
            )
            for record in sorted(found, key=lambda one: (one.partition, one.offset))
        ]

    @cached_property
    def told(self) -> list[Event]:
        """Every event once."""
        first: dict[str, Event] = {}
        for event in self.events:
            first.setdefault(event.id, event)
        return list(first.values())

    def of(self, *names: str, **fields: Any) -> list[Event]:
        """The distinct events of these types with these fields."""
        return [
            event
            for event in self._by_name(names)
            if all(event[field] == wanted for field, wanted in fields.items())
        ]

    def _by_name(self, names: Iterable[str]) -> list[Event]:
        return [event for name in names for event in self._named[name]]

    @cached_property
    def _named(self) -> dict[str, list[Event]]:
        found: dict[str, list[Event]] = defaultdict(list)
        for event in self.told:
            found[event.name].append(event)
        return found

    @cached_property
    def links(self) -> dict[str, Fields]:
        """Every link that was issued, by its id."""
        values = [one.value for one in self.evidence.records if one.topic == LINKS and one.value]
        return {link["linkId"]: link for link in map(json.loads, values)}

    @cached_property
    def issued_at(self) -> dict[str, float]:
        """When each link was told first."""
        found: dict[str, float] = {}
        for one in self.evidence.records:
            if one.topic == LINKS and one.value:
                found.setdefault(json.loads(one.value)["linkId"], one.timestamp / 1000)
        return found

    @cached_property
    def webhooks(self) -> list[Webhook]:
        """Every message that the vendor tried to deliver, but pings."""
        tries: dict[str, list[Fields]] = defaultdict(list)
        for delivery in self.evidence.deliveries:
            if delivery["kind"] != "ping" and delivery["message_id"]:
                tries[delivery["message_id"]].append(delivery)
        rows = {row["message_id"]: row["body"] for row in self.evidence.webhooks}
        return [
            Webhook(
                message_id,
                str(deliveries[0]["type"]),
                rows.get(message_id) or json.loads(deliveries[0]["body"]),
                any(map(was_answered_200, deliveries)),
                min(moment(one["at"]) for one in deliveries),
            )
            for message_id, deliveries in tries.items()
        ]

    def acked(self, prefix: str) -> list[Webhook]:
        """The messages of a family that were answered 200."""
        return [one for one in self.webhooks if one.acked and one.type.startswith(prefix)]

    def calls(self, operation: str) -> list[Fields]:
        """The vendor's ledger of one operation, oldest first."""
        return [call for call in self.evidence.calls if call["operation"] == operation]

    @cached_property
    def vendor_queries(self) -> dict[str, Fields]:
        """What the vendor accepted, by its request id; each with ``ours``, our id of the query."""
        return {
            request_id: {**query, "ours": (query.get("metadata") or {}).get("iasQueryId")}
            for request_id, query in self.evidence.vendor.get("network_queries", {}).items()
        }

    @cached_property
    def query_owner(self) -> dict[str, tuple[str, str]]:
        """Subject and command of each network query, by our id of it, as they were told."""
        queued = self.of("NetworkQueryQueued", "NetworkQueryStarted", "NetworkQueryRefused")
        return {
            str(event["requestId"]): (event.subject, str(event["commandId"]))
            for event in queued
            if event["requestId"]
        }

    @cached_property
    def sent_at(self) -> dict[tuple[str, str], float]:
        """When each command was sent, by its subject and id."""
        found: dict[tuple[str, str], float] = {}
        for one in self.evidence.sent:
            found.setdefault((one["subjectId"], one["commandId"]), moment(one["at"]))
        return found

    def began(self, event: Event) -> float:
        """When what the event tells of began: its command was sent, or, without one, it was told."""
        return self.sent_at.get((event.subject, str(event["commandId"])), event.time)

    @cached_property
    def _hosted_for(self) -> dict[str, str | None]:
        """The verification that each of the vendor's identity sessions was made for."""
        sessions = self.evidence.vendor.get("identity_sessions", {}).values()
        named = {one.get("id"): one.get("metadata") or {} for one in sessions}
        return {str(key): data.get("iasVerificationId") for key, data in named.items()}

    def verification_of(self, webhook: Webhook) -> str | None:
        """Our verification that an identity came from: by our own id, or by the vendor's session."""
        ours = webhook.our_id("iasVerificationId")
        sessions = (webhook.payload.get("sessionId"), webhook.meta.get("requestId"))
        found = (self._hosted_for.get(str(session)) for session in sessions)
        return ours or next((one for one in found if one), None)

    @cached_property
    def identity_owner(self) -> dict[str, str]:
        """The subject that each proofed identity came from: whose link led to the verification."""
        asked = {event["linkId"]: event.subject for event in self.of("UserActionRequired")}
        found: dict[str, str] = {}
        for webhook in self.webhooks:
            owner = asked.get(self.verification_of(webhook))
            if webhook.type == IDENTITY_VERIFIED and owner is not None:
                found.setdefault(str(webhook.payload.get("proofedIdentityId")), owner)
        return found

    @cached_property
    def erased(self) -> set[str]:
        """Subjects that were erased: what they were not told yet was dropped."""
        return {event.subject for event in self.of("SubjectErased")}

    def is_silenced(self, subject_id: str) -> bool:
        """Whether something of the subject was revoked or erased, so that news may be withheld."""
        return subject_id in self.erased or bool(self.of("IdentityRevoked", subjectId=subject_id))


def was_answered_200(delivery: Fields) -> bool:
    """Whether our ingress said 200, and no timeout or broken connection is stored as an answer."""
    return bool(delivery["answered"]) and delivery["status"] == 200


def moment(at: Any) -> float:
    """A time as whoever noted it wrote it, epoch seconds or RFC 3339, as epoch seconds."""
    return seconds(at) if isinstance(at, str) else float(at)


def seconds(text: str) -> float:
    """RFC 3339 as epoch seconds; 0 where there is none."""
    return datetime.fromisoformat(text).timestamp() if text else 0.0


def body_of(call: Fields) -> Fields:
    """What a call to the vendor carried, as JSON."""
    return _object(call.get("body"))


def answer_of(call: Fields) -> Fields:
    """What the vendor produced as its answer, also where it was lost on its way."""
    return _object(call.get("answer"))


def _object(text: Any) -> Fields:
    try:
        found = json.loads(text or "null")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
