"""Webhook bodies (Metriport docs, Webhooks; ``@metriport/shared`` 0.37.0).

Event fields sit in ``payload`` for the newer families, in ``patients`` for consolidated data and
documents, in ``bulkPatientCreate`` for imports and at the top level for ``ping``.
``ias.identity.verified`` is not documented field by field (A01), so ``IdentityFields`` is looked for in
``payload``, then at the top level, then in ``meta.data``.
"""

from typing import Any, Final

import msgspec

from ..base import UtcTime  # noqa: TID252 - `schemas` is published alone: its imports stay relative
from ..ids import MessageId, OpaqueText, PatientId, VendorRequestId  # noqa: TID252 - as above


class Body(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """An object of the vendor's, unknown fields skipped."""


class Meta(Body, frozen=True, kw_only=True):
    """``when`` is the creation time, kept by re-sends; ``data`` is lost on re-sends."""

    message_id: MessageId
    type: OpaqueText
    when: UtcTime | None = None
    request_id: VendorRequestId | None = None
    data: Any = None


class HasMeta(Body, frozen=True, kw_only=True):
    """The part that every webhook has."""

    meta: Meta


class Ping(HasMeta, frozen=True, kw_only=True):
    """A liveness question, to be answered ``{"pong": <ping>}`` within two seconds."""

    ping: str


class IdentityFields(Body, frozen=True, kw_only=True):
    """What ``ias.identity.verified`` may hold, wherever it holds it."""

    proofed_identity_id: Any = None
    patient_id: Any = None
    session_id: Any = None
    identity_session_id: Any = None
    status: Any = None
    verified_at: Any = None


class IdentityVerified(IdentityFields, frozen=True, kw_only=True):
    """``ias.identity.verified`` in either reconstructed shape."""

    meta: Meta
    payload: IdentityFields | None = None


class NetworkSource(Body, frozen=True, kw_only=True):
    """Progress of one source; ``status`` is open text (``in-progress`` occurs)."""

    type: str
    status: str
    source: str | None = None
    completed_at: UtcTime | None = None
    first_data_ready_at: UtcTime | None = None


class NetworkQueryPayload(Body, frozen=True, kw_only=True):
    """``payload`` of ``network-query.*`` (A10). ``consolidatedDataUrl`` is a bearer link and is not read.

    ``purposeOfUse`` is here if anywhere (A09).
    """

    patient_id: PatientId
    source: NetworkSource
    purpose_of_use: str | None = None


class NetworkQuery(HasMeta, frozen=True, kw_only=True):
    """``network-query.hie``, ``.pharmacy``, ``.lab`` and ``.hie.first-data-ready``."""

    payload: NetworkQueryPayload


class Attachment(Body, frozen=True, kw_only=True):
    """A link and what it leads to."""

    url: str | None = None
    content_type: str | None = None


class Content(Body, frozen=True, kw_only=True):
    """``DocumentReference.content[]``."""

    attachment: Attachment


class DocumentReference(Body, frozen=True, kw_only=True):
    """The one resource of a consolidated bundle."""

    content: list[Content] = msgspec.field(default_factory=list)


class Entry(Body, frozen=True, kw_only=True):
    """``Bundle.entry[]``."""

    resource: DocumentReference


class Bundle(Body, frozen=True, kw_only=True):
    """The wrapper: ``collection`` in the docs, ``searchset`` in the code. No entry: no data."""

    entry: list[Entry] = msgspec.field(default_factory=list)


class ConsolidatedPatient(Body, frozen=True, kw_only=True):
    """One patient's part of ``medical.consolidated-data``; failed ones have no bundle."""

    patient_id: PatientId
    status: str
    bundle: Bundle | None = None


class ConsolidatedData(HasMeta, frozen=True, kw_only=True):
    """``medical.consolidated-data``, of ias data as of treatment data (A14)."""

    patients: list[ConsolidatedPatient]


IDENTITY_VERIFIED: Final = "ias.identity.verified"
CONSOLIDATED_DATA: Final = "medical.consolidated-data"
FIRST_DATA_READY: Final = "network-query.hie.first-data-ready"
NETWORK_QUERY_TYPES: Final = frozenset(
    {"network-query.hie", "network-query.pharmacy", "network-query.lab", FIRST_DATA_READY}
)
KNOWN_TYPES: Final = NETWORK_QUERY_TYPES | {
    "ping",
    IDENTITY_VERIFIED,
    CONSOLIDATED_DATA,
    "medical.document-bulk-download-urls",
    "medical.document-bulk-download-paged",
    "medical.document-download",
    "medical.document-conversion",
    "medical.bulk-patient-create",
    "patient.admit",
    "patient.transfer",
    "patient.discharge",
    "patient.pharmacy",
    "patient.laboratory",
    "message.status",
    "message.received",
}
"""Every type that public material names; of ``ias.*`` one alone (A21)."""
