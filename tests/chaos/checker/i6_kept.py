"""I6: nothing authentic is lost, and nothing but what is authentic is taken.

What the vendor sent is on the topic or among the dead letters; nothing is left at the vendor as failed;
and what is on the topic, the vendor sent.
"""

import json

from tests.chaos.checker.facts import Finding, Kind, Record, Verdict
from tests.chaos.checker.story import (
    DEAD_LETTERS,
    WEBHOOKS,
    Story,
    Webhook,
    moment,
    was_answered_200,
)


def check(story: Story) -> Verdict:
    """Every message that the vendor tried to deliver, and every record of the topic."""
    records = [one for one in story.evidence.records if one.topic == WEBHOOKS]
    kept = {record.header("ce_id") for record in records}
    lost = [one for one in story.webhooks if one.acked and one.message_id not in kept]
    aside = _dead_letters(story)
    nameless = [one for one in story.evidence.deliveries if _is_nameless(one)]
    broken: list[Finding] = []
    if len(lost) + len(nameless) > aside:
        broken += [_gone(webhook) for webhook in lost]
        if nameless:
            text = f"{len(nameless)} bodies without an id, {aside} dead letters"
            at = min(moment(one["at"]) for one in nameless)
            broken.append(Finding(text, Kind.LOST, at))
    broken += _at_the_vendor(story)
    broken += _forged(story, records)
    return Verdict("I6", len(story.webhooks) + len(nameless) + len(records), broken)


def _forged(story: Story, records: list[Record]) -> list[Finding]:
    """What stands on the topic and came from nobody."""
    sent = {webhook.message_id for webhook in story.webhooks}
    forged: dict[str, float] = {}
    for one in records:
        is_known = (one.value or b"") in story.evidence.foreign
        if (message_id := one.header("ce_id")) not in sent and not is_known:
            forged.setdefault(message_id, one.timestamp / 1000)
    return [
        Finding(f"{message_id} is on the topic, and the vendor never sent it", Kind.WRONG, at)
        for message_id, at in sorted(forged.items())
    ]


def _dead_letters(story: Story) -> int:
    """Dead letters that the ingress wrote: they name no place in a topic."""
    values = [one.value for one in story.evidence.records if one.topic == DEAD_LETTERS]
    letters = [json.loads(value) for value in values if value]
    return sum(letter.get("topic") is None for letter in letters)


def _is_nameless(delivery: object) -> bool:
    assert isinstance(delivery, dict)
    return delivery["message_id"] is None and was_answered_200(delivery)


def _at_the_vendor(story: Story) -> list[Finding]:
    """Webhooks that the vendor could not deliver, or lets hang."""
    tried = {webhook.message_id: webhook.at for webhook in story.webhooks}
    return [
        Finding(
            f"{row['message_id']} ({row['type']}) is {row['status']} at the vendor",
            Kind.LOST,
            tried.get(row["message_id"]),
        )
        for row in story.evidence.webhooks
        if row["status"] != "success"
    ]


def _gone(webhook: Webhook) -> Finding:
    text = f"{webhook.message_id} ({webhook.type}) was answered 200 and is not on the topic"
    return Finding(text, Kind.LOST, webhook.at)
