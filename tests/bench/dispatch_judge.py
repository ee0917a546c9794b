"""What the double of Metriport saw of the network queries: the judge of pacing. Knows nothing of ours."""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.metriport_sandbox.ledger import Call

LIMIT = 20
"""Network queries a minute, in all and for each source (Metriport's documentation and code)."""
MINUTE = 60.0
SOURCES = ("hie", "pharmacy", "lab")


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """Times are the vendor's.

    Attributes:
        accepted: Calls that Metriport accepted within the time that counts.
        budget_used: The same as a part of what its limits allow in that time.
        windows_over: Stretches of 60 seconds with more calls than the limit, in all or for a source.
        refused: Calls that its own limiter refused, which counts by fixed minutes.
        double_calls: Queries of which it accepted more than one call.
    """

    accepted: int
    budget_used: float
    windows_over: int
    refused: int
    double_calls: int


def judge(calls: Sequence[Call], minutes: float) -> Judgement:
    """Judge everything that arrived in so many minutes from the first call on."""
    began = calls[0].at if calls else 0.0
    counted = [call for call in calls if call.at < began + minutes * MINUTE]
    accepted = [call for call in counted if _is_accepted(call)]
    return Judgement(
        accepted=len(accepted),
        budget_used=len(accepted) / (LIMIT * minutes),
        windows_over=_over(call.at for call in calls)
        + sum(_over(call.at for call in calls if _has(call, source)) for source in SOURCES),
        refused=sum(call.status == 429 for call in calls),
        double_calls=accepted_twice(calls),
    )


def _over(times: Iterable[float]) -> int:
    """How many calls begin a minute that holds more than the limit."""
    ordered = sorted(times)
    return sum(
        bisect_left(ordered, at + MINUTE) - place > LIMIT for place, at in enumerate(ordered)
    )


def _is_accepted(call: Call) -> bool:
    """Also one whose answer never arrived: the double made it all the same."""
    return '"requestId"' in (call.answer or "")


def _has(call: Call, source: str) -> bool:
    return bool(json.loads(call.body)["sources"].get(source, {}).get("enabled"))


def accepted_twice(calls: Iterable[Call]) -> int:
    """Queries of which Metriport accepted more than one call."""
    accepted = [json.loads(call.body) for call in calls if _is_accepted(call)]
    queries = Counter(body["metadata"]["iasQueryId"] for body in accepted)
    return sum(count > 1 for count in queries.values())
