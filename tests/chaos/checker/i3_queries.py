"""I3: a network query command leads to one accepted query at the vendor, or its unclear outcome is told.

With ``UNKNOWN_POLICY=resend`` a second one may follow, and that is told as well.
"""

from collections import defaultdict

from tests.chaos.checker.facts import Verdict
from tests.chaos.checker.story import Story

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
            broken.append(f"the vendor runs {request_id}, which was told to nobody")
        else:
            accepted[owner].append(query["ours"])
    broken += [
        f"command {command} of {subject} was accepted {len(ours)} times: {why}"
        for (subject, command), ours in accepted.items()
        if (why := _why_not(story, ours)) is not None
    ]
    return Verdict("I3", len(commands | accepted.keys()), broken)


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
