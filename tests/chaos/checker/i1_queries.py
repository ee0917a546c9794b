"""I1 for ``network-query.*``: each piece of news is told once, and nothing else is told.

News are a source and what became of it. They are told by ``NetworkQuerySourceUpdated``, or stand in
``NetworkQueryStarted`` or ``NetworkQueryFinished`` when the answer to the call, or a look, was quicker.
"""

from collections import defaultdict
from typing import NamedTuple

from tests.chaos.checker.facts import Finding, Kind, Verdict
from tests.chaos.checker.story import Event, Story, Webhook

FAMILY = "network-query."


class News(NamedTuple):
    """One source of one query of ours, and what became of it."""

    query_id: str
    source: str
    status: str


def queries(story: Story) -> Verdict:
    """Every webhook about a query of ours, and every event that says it came from one."""
    sent: dict[News, set[str]] = defaultdict(set)
    began: dict[News, float] = {}
    for webhook in story.acked(FAMILY):
        if (news := news_of(story, webhook)) is not None:
            sent[news].add(str(webhook.payload["source"].get("completedAt")))
            began[news] = min(webhook.at, began.get(news, webhook.at))
    told = [one for one in story.of("NetworkQuerySourceUpdated") if one["from"] == "webhook"]
    lost = [news for news in sent if not _is_told(story, news, set(sent))]
    broken = [Finding(_lost(news), Kind.LOST, began[news]) for news in lost]
    broken += _repeated(story, told, sent)
    broken += _uncaused(story, told)
    return Verdict("I1", len(sent) + len(told), broken)


def news_of(story: Story, webhook: Webhook) -> News | None:
    """What the webhook says, if it is about a query of ours and names that query's own patient."""
    request_id = str(webhook.meta.get("requestId"))
    query = story.vendor_queries.get(request_id)
    if query is None or query["ours"] is None:
        return None
    if webhook.payload.get("patientId") != query["patient_id"]:
        return None
    source = webhook.payload["source"]
    return News(query["ours"], source["type"], source["status"])


def _is_told(story: Story, news: News, all_sent: set[News]) -> bool:
    """Told, or overtaken by what the same source said too, or withheld from whom it must be."""
    subject = story.query_owner.get(news.query_id, ("", ""))[0]
    if not subject or story.is_silenced(subject):
        return True
    enough = {other.status for other in all_sent if other[:2] == news[:2]}
    if news.status == "processing":
        enough |= {"completed", "failed"}
    return bool(enough & set(_statuses(story, news)))


def _statuses(story: Story, news: News) -> list[str]:
    updates = story.of("NetworkQuerySourceUpdated", requestId=news.query_id, source=news.source)
    found = [str(event["status"]) for event in updates]
    for event in story.of("NetworkQueryStarted", "NetworkQueryFinished", requestId=news.query_id):
        rows = [row for row in event["sources"] if row["source"] == news.source]
        # What runs is no news: every started query says that of its sources.
        found += [row["status"] for row in rows if row["status"] != "processing"]
    return found


def _repeated(story: Story, told: list[Event], sent: dict[News, set[str]]) -> list[Finding]:
    counted: dict[News, list[Event]] = defaultdict(list)
    for event in told:
        counted[_of(event)].append(event)
    return [
        Finding(
            f"{news.source} {news.status} of query {news.query_id} took effect {len(events)} times",
            Kind.DUPLICATE,
            story.began(events[0]),
        )
        for news, events in counted.items()
        if len(events) > max(1, len(sent.get(news, ())))
    ]


def _uncaused(story: Story, told: list[Event]) -> list[Finding]:
    """Every effect has a webhook of the vendor's that says so, about that patient."""
    said = {(news_of(story, one), one.payload.get("patientId")) for one in _all(story)}
    return [
        Finding(
            f"{event.subject} was told {event['source']} {event['status']}, which no webhook says",
            Kind.WRONG,
            story.began(event),
        )
        for event in told
        if (_of(event), event["patientId"]) not in said
    ]


def _all(story: Story) -> list[Webhook]:
    return [one for one in story.webhooks if one.type.startswith(FAMILY)]


def _of(event: Event) -> News:
    return News(str(event["requestId"]), str(event["source"]), str(event["status"]))


def _lost(news: News) -> str:
    return (
        f"{news.source} {news.status} of query {news.query_id} was answered 200 and without effect"
    )
