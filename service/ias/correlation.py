"""Which network query does a webhook belong to, when its request id is not known yet?

The answer to our call, which would have told the request id, may be lost or late. Three ways, in order:

1. **The request id**, once we know it.
2. **Our own id**, which travels in the query's metadata and comes back in ``meta.data``; a re-send drops
   it. It proves that the vendor runs the query.
3. **The strict rule**, for a webhook without any metadata: same patient, started inside the time window
   of a call whose outcome is not known, for the same purpose, from a source that was asked for, and only
   one such query. That is a supposition, not a proof: a query that somebody else started for the
   patient in the same minute looks the same. It counts only once a status query has confirmed it.

Metadata without our id is somebody else's, however well the rest fits.

The time of a start is inside its request id: Metriport's are UUIDs of version 7 (RFC 9562), which begin
with the milliseconds since 1970.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from schemas.ids import RequestId, VendorRequestId
from schemas.sources import PurposeOfUse, Source

QUERY_METADATA_KEY: Final = "iasQueryId"
"""Our id of a network query travels under this name."""

CLOCKS_DIFFER: Final = timedelta(minutes=1)
"""How far the vendor's clock may be from the database's."""

CALL_LASTS: Final = timedelta(minutes=3)
"""Longer than any call: METRIPORT_TIMEOUT is two minutes at most."""

_VERSION_7: Final = 7
_TIME_SHIFT: Final = 80


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a webhook without metadata shows of its query."""

    source: Source
    purpose: str | None
    started_at: datetime


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A query of the same patient with a call whose outcome is not known yet.

    ``called_at``: the newest call. ``first_called_at``: the one before it, if the query was sent twice.
    """

    query_id: RequestId
    purpose: PurposeOfUse
    sources: frozenset[Source]
    called_at: datetime
    first_called_at: datetime | None = None


def our_query_id(data: object) -> RequestId | None:
    """Our own id in a webhook's metadata."""
    raw = data.get(QUERY_METADATA_KEY) if isinstance(data, dict) else None
    if not isinstance(raw, str):
        return None
    try:
        return RequestId(UUID(raw))
    except ValueError:
        return None


def has_metadata(data: object) -> bool:
    """Whether the webhook carries the metadata of the call that started its query."""
    return bool(data)


def started_at(vendor_request_id: VendorRequestId) -> datetime | None:
    """When the request was started, by its id; ``None`` when the id does not say."""
    try:
        parsed = UUID(vendor_request_id)
        if parsed.version != _VERSION_7:
            return None
        return datetime.fromtimestamp((parsed.int >> _TIME_SHIFT) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def suppose(seen: Seen, candidates: Iterable[Candidate]) -> RequestId | None:
    """The one query that the webhook may belong to; ``None`` when it is none, or not the only one."""
    fitting = [candidate.query_id for candidate in candidates if fits(seen, candidate)]
    return fitting[0] if len(fitting) == 1 else None


def fits(seen: Seen, candidate: Candidate) -> bool:
    """Whether what was seen may be this query: purpose, source and time agree."""
    ours, theirs = candidate.purpose is PurposeOfUse.IAS, seen.purpose == PurposeOfUse.IAS
    called = [at for at in (candidate.called_at, candidate.first_called_at) if at is not None]
    return (
        ours is theirs
        and seen.source in candidate.sources
        and any(_during_call(seen.started_at, at) for at in called)
    )


def _during_call(started: datetime, called_at: datetime) -> bool:
    return called_at - CLOCKS_DIFFER <= started <= called_at + CALL_LASTS + CLOCKS_DIFFER
