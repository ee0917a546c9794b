"""What a storm had to bring about, and what it brought: each effect once, none twice, none lost.

Two things are looked at. The inbox, in SQL: one row for the digest of each id. And the topic of events:
each webhook of a storm ends one source of one query, so there is one event that says so, and one more
when all sources of a query have ended. The same event may be on the topic twice, by its id; two ids for
one effect are a webhook that took effect twice.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from tests.bench.consumers_load import Told, webhook
from tests.bench.consumers_seed import Started

NEWS: Final = (
    ("network-query.hie", "hie", "completed"),
    ("network-query.pharmacy", "pharmacy", "completed"),
    ("network-query.lab", "lab", "failed"),
)
"""Ends of sources: in whatever order they come, each is news, once."""

_UPDATED: Final = "ias.event.NetworkQuerySourceUpdated"
_FINISHED: Final = "ias.event.NetworkQueryFinished"
_INBOX_SOURCE: Final = "metriport"


class Effect(NamedTuple):
    """A source that ended, or a query: then ``of`` is ``query``."""

    patient_id: str
    of: str
    status: str


class Sent(NamedTuple):
    """One webhook id, its body, and the event that it leads to."""

    message_id: str
    body: dict[str, Any]
    effect: Effect


class Judgement(NamedTuple):
    """``effects``: ids that are in the inbox and were told once; ``strange``: told, and nobody asked."""

    effects: int
    doubled: int
    missing: int
    strange: int

    @property
    def broken(self) -> int:
        """Everything that is not as it has to be."""
        return self.doubled + self.missing + self.strange


class Heard(Told):
    """Reads the events and keeps what they say."""

    def __init__(self, servers: str, topic: str) -> None:
        super().__init__(servers, topic)
        self.told: dict[Effect, set[bytes]] = {}
        """Each effect, and the ids of the events that told it."""

    def note(self, record: Any) -> None:
        """Keep it."""
        super().note(record)
        headers = dict(record.headers)
        effect = effect_of(headers["ce_type"].decode(), json.loads(record.value))
        if effect is not None:
            self.told.setdefault(effect, set()).add(headers["ce_id"])


def effect_of(kind: str, content: dict[str, Any]) -> Effect | None:
    """What an event tells."""
    if kind == _UPDATED:
        return Effect(content["patientId"], content["source"], content["status"])
    if kind == _FINISHED:
        return Effect(content["patientId"], "query", content["status"])
    return None


def webhooks_of(queries: Sequence[Started]) -> list[Sent]:
    """Three webhooks of each query."""
    return [_sent(query, *news) for query in queries for news in NEWS]


def _sent(query: Started, kind: str, source: str, status: str) -> Sent:
    body = webhook(query, kind, source, status)
    return Sent(body["meta"]["messageId"], body, Effect(query.patient_id, source, status))


def ends_of(sent: Iterable[Sent]) -> set[Effect]:
    """The ends of the queries of which everything was sent: one source failed, so ``partial``."""
    sources: dict[str, int] = {}
    for one in sent:
        patient_id = one.effect.patient_id
        sources[patient_id] = sources.get(patient_id, 0) + 1
    return {
        Effect(patient_id, "query", "partial")
        for patient_id, number in sources.items()
        if number == len(NEWS)
    }


def inbox_row(message_id: str) -> tuple[str, bytes]:
    """What the inbox has of a webhook."""
    return _INBOX_SOURCE, hashlib.sha256(message_id.encode()).digest()


def judge(
    sent: Sequence[Sent],
    inbox: Sequence[tuple[str, bytes]],
    told: dict[Effect, set[bytes]],
) -> Judgement:
    """Lay what is there beside what was sent; a row of the inbox that is there twice counts too."""
    rows: dict[tuple[str, bytes], int] = {}
    for row in inbox:
        rows[row] = rows.get(row, 0) + 1
    times = [
        (rows.pop(inbox_row(one.message_id), 0), len(told.get(one.effect, ()))) for one in sent
    ]
    ends = ends_of(sent)
    ended = [len(told.get(end, ())) for end in ends]
    asked = ends | {one.effect for one in sent}
    return Judgement(
        effects=sum(pair == (1, 1) for pair in times),
        doubled=sum(max(pair) > 1 for pair in times) + sum(number > 1 for number in ended),
        missing=sum(min(pair) < 1 for pair in times) + sum(number < 1 for number in ended),
        strange=sum(effect not in asked for effect in told) + len(rows),
    )
