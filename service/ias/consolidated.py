"""What a ``medical.consolidated-data`` webhook delivers, and until when its link works.

Source: Metriport docs and code: the bundle is one DocumentReference whose ``content`` holds the
requested format and, for json, a gzip twin; no data gives an empty ``entry``; a failure has no bundle.
Links are S3 presigned and live three minutes from signing (A15), queueing included.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qs, urlsplit

from schemas.metriport.webhooks import ConsolidatedPatient
from schemas.reasons import Reason
from service.ias.refusal import Refusal

LINK_LIFETIME: Final = timedelta(minutes=3)
RENEWALS: Final = 2
"""So often a link that came dead is asked for again: the third one ends the query."""

CONTENT_TYPES: Final = {
    "json": "application/json",
    "pdf": "application/pdf",
    "html": "text/html",
}


class ConsolidatedState(StrEnum):
    """Where one consolidated query stands."""

    DUE = "due"
    DISPATCHING = "dispatching"
    STARTED = "started"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, repr=False)
class DataLink:
    """A bearer link to a person's record; has no repr of its fields."""

    url: str
    content_type: str
    expires_at: datetime


@dataclass(frozen=True)
class NoData:
    """Metriport holds nothing that fits."""


@dataclass(frozen=True)
class Failed:
    """Metriport could not deliver."""


def refuse_range(first: date | None, last: date | None) -> Refusal | None:
    """Whether a range of dates holds no day at all. Asked before a person is: only a command can mend it."""
    if first is None or last is None or first <= last:
        return None
    return Refusal(Reason.INVALID_FIELD, "dateFrom must not be after dateTo", "dateFrom")


def read_delivery(
    patient: ConsolidatedPatient, conversion_type: str, sent: datetime | None, now: datetime
) -> DataLink | NoData | Failed:
    """What the webhook brings for one patient."""
    if patient.status != "completed" or patient.bundle is None:
        return Failed()
    wanted = CONTENT_TYPES[conversion_type]
    attachments = [
        content.attachment
        for entry in patient.bundle.entry
        for content in entry.resource.content
        if content.attachment.url
    ]
    for attachment in attachments:
        if attachment.content_type == wanted and attachment.url:
            return DataLink(attachment.url, wanted, link_expiry(attachment.url, sent, now))
    return Failed() if patient.bundle.entry else NoData()


def link_expiry(url: str, sent: datetime | None, now: datetime) -> datetime:
    """When the link dies: as its own signature says, else three minutes after the webhook was made."""
    try:
        query = parse_qs(urlsplit(url).query)
        signed = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return signed + timedelta(seconds=int(query["X-Amz-Expires"][0]))
    except (KeyError, ValueError, OverflowError):
        return min(sent or now, now) + LINK_LIFETIME
