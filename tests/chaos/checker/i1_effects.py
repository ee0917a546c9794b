"""I1: a webhook answered 200 takes effect exactly once, and nothing takes effect that nobody sent.

Counted by distinct ``ce_id``: a repeat of an event is no second effect.
"""

from collections import defaultdict

from tests.chaos.checker.facts import Fields, Finding, Kind, Verdict
from tests.chaos.checker.i1_queries import queries
from tests.chaos.checker.story import IDENTITY_VERIFIED, Event, Story, Webhook, answer_of

CONSOLIDATED = "medical.consolidated-data"


def check(story: Story) -> Verdict:
    """All three families."""
    parts = [identities(story), queries(story), consolidated(story)]
    return Verdict(
        "I1", sum(one.checked for one in parts), [line for one in parts for line in one.broken]
    )


def identities(story: Story) -> Verdict:
    """``ias.identity.verified`` binds once, or operators are told once that it binds nothing."""
    acked = story.acked(IDENTITY_VERIFIED)
    told = story.of("IdentityVerified")
    broken = _bound(story, acked) + _unbound(story, acked)
    broken += [
        Finding(
            f"{event.subject} was told IdentityVerified, which no webhook says of this subject",
            Kind.WRONG,
            story.began(event),
        )
        for event in told
        if not _is_caused(story, event)
    ]
    return Verdict("I1", len(acked) + len(told), broken)


def _is_caused(story: Story, event: Event) -> bool:
    """A webhook names the verification; or none, but the patient, who was nobody else's ever."""
    sent = [one for one in story.webhooks if one.type == IDENTITY_VERIFIED]
    mine = [one for one in sent if one.payload.get("patientId") == event["patientId"]]
    named = {story.verification_of(one) for one in mine}
    linked = {one.subject for one in story.of("PatientRegistered", patientId=event["patientId"])}
    return event["linkId"] in named or (None in named and linked == {event.subject})


def _bound(story: Story, acked: list[Webhook]) -> list[Finding]:
    """No verification is told more often than webhooks named it."""
    named: dict[str, list[float]] = defaultdict(list)
    for webhook in acked:
        named[str(story.verification_of(webhook))].append(webhook.at)
    return [
        Finding(
            f"verification {which} was told {told} times for {len(at)} webhooks",
            Kind.DUPLICATE,
            min(at),
        )
        for which, at in named.items()
        if (told := len(story.of("IdentityVerified", linkId=which))) > len(at)
    ]


def _unbound(story: Story, acked: list[Webhook]) -> list[Finding]:
    """Those that bound nothing were told to operators, each once.

    One without any id of ours may be kept first and bound later: it may count as both.
    """
    told = story.of("IdentityVerificationUnbound")
    alarms = len(told)
    without = [one for one in acked if not _takes_effect(story, one)]
    either = [one for one in acked if not story.verification_of(one) and one not in without]
    if alarms < len(without):
        ids = ", ".join(webhook.message_id for webhook in without)
        text = f"answered 200 and without effect ({alarms} alarms): {ids}"
        return [Finding(text, Kind.LOST, min(one.at for one in without))]
    if alarms > len(without) + len(either):
        text = f"{alarms} alarms for {len(without)} identities that were bound to nobody"
        return [Finding(text, Kind.DUPLICATE, max(one.time for one in told))]
    return []


def _takes_effect(story: Story, webhook: Webhook) -> bool:
    ours = story.verification_of(webhook)
    effects = ("IdentityVerified", "IdentityVerificationFailed")
    if ours is None:
        return bool(story.of("IdentityVerified", patientId=webhook.payload.get("patientId")))
    if story.of(*effects, linkId=ours):
        return True
    asked = story.of("UserActionRequired", linkId=ours)
    return any(event.subject in story.erased for event in asked)


def consolidated(story: Story) -> Verdict:
    """``medical.consolidated-data`` is told as ready or failed; a command is ended by one of them."""
    ours = {answer_of(call).get("requestId") for call in story.calls("start-consolidated-query")}
    acked = [one for one in story.acked(CONSOLIDATED) if one.meta.get("requestId") in ours]
    broken = [
        Finding(
            f"{webhook.message_id} ({CONSOLIDATED}) was answered 200 and without effect",
            Kind.LOST,
            webhook.at,
        )
        for webhook in acked
        if not all(_is_delivered(story, patient) for patient in webhook.body["patients"])
    ]
    ends = defaultdict(list)
    for event in story.of("ConsolidatedDataReady", "ConsolidatedDataFailed"):
        ends[event.subject, str(event["commandId"])].append(event.id)
    broken += [
        Finding(f"{key} was ended {len(ids)} times", Kind.DUPLICATE, story.sent_at.get(key))
        for key, ids in ends.items()
        if len(ids) > 1
    ]
    return Verdict("I1", len(acked) + len(ends), broken)


def _is_delivered(story: Story, patient: Fields) -> bool:
    """Its link was told, or that there is none, or it was asked for once more because it was dead."""
    who = patient["patientId"]
    told = story.of("ConsolidatedDataReady", patientId=who)
    urls = {story.links.get(str(event["linkId"]), {}).get("url") for event in told}
    if urls & set(_urls(patient)) or any(event["noData"] for event in told):
        return True
    failed = story.of("ConsolidatedDataFailed", patientId=who)
    silenced = any(story.is_silenced(one.subject) for one in story.of("PatientRegistered"))
    calls = [call for call in story.calls("start-consolidated-query") if who in call["path"]]
    return bool(failed) or silenced or len(calls) > 1


def urls_of(story: Story, patient_id: str) -> set[str]:
    """Every data link that the vendor sent about a patient."""
    sent = [one for one in story.webhooks if one.type == CONSOLIDATED]
    patients = [patient for one in sent for patient in one.body.get("patients", [])]
    return {url for one in patients if one["patientId"] == patient_id for url in _urls(one)}


def _urls(patient: Fields) -> list[str]:
    entries = (patient.get("bundle") or {}).get("entry", [])
    contents = [content for entry in entries for content in entry["resource"].get("content", [])]
    return [content["attachment"]["url"] for content in contents]
