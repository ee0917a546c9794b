"""I3: a network query command leads to one accepted query at the vendor, or its unclear outcome is told.

With ``UNKNOWN_POLICY=resend`` a second one may follow, and that is told as well.
"""

from collections import defaultdict

from tests.chaos.checker.facts import Finding, Kind, Verdict
from tests.chaos.checker.story import Story, body_of, seconds

MOST = 2


def check(story: Story) -> Verdict:
    """What the vendor accepted, by the command that asked for it."""
    accepted: dict[tuple[str, str], list[str]] = defaultdict(list)
    asked = [one for one in story.evidence.sent if one["type"].endswith("StartNetworkQuery")]
    commands = {(one["subjectId"], one["commandId"]) for one in asked}
    broken = []
    for request_id, query in story.vendor_queries.items():
        if query["ours"] is None:
            continue
        owner = story.query_owner.get(query["ours"])
        if owner is None:
            text = f"the vendor runs {request_id}, which was told to nobody"
            broken.append(Finding(text, Kind.WRONG, _called_at(story, query["ours"])))
        else:
            accepted[owner].append(query["ours"])
    broken += [
        Finding(
            f"command {command} of {subject} was accepted {len(ours)} times: {why}",
            Kind.DUPLICATE,
            story.sent_at.get((subject, command)),
        )
        for (subject, command), ours in accepted.items()
        if (why := _why_not(story, ours)) is not None
    ]
    return Verdict("I3", len(commands | accepted.keys()), broken)


def _called_at(story: Story, ours: str) -> float | None:
    """When the call with our id was made, if there was one."""
    calls = story.calls("start-network-query")
    mine = [one for one in calls if (body_of(one).get("metadata") or {}).get("iasQueryId") == ours]
    return min((seconds(one["at"]) for one in mine), default=None)


def _why_not(story: Story, ours: list[str]) -> str | None:
    """Why so many are too many, if they are."""
    if len(ours) == 1:
        return None
    (query_id, *others) = set(ours)
    if others or len(ours) > MOST:
        return "no policy allows that"
    if not story.of("NetworkQueryQueued", requestId=query_id, resend=True):
        return "no second sending was told"
    return None
