"""The shapes that the assumptions come to: what is expected of each webhook, redirect and answer.

``REQUIRED`` and ``optional`` are told apart because a field may be missing in a documented case. A path that
ends in ``**`` allows anything below it. Documented shapes are here too, for a difference in them is news.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

Paths = Mapping[str, str]


class Expected(NamedTuple):
    """One message as it is expected."""

    assumption: str
    required: Paths
    optional: Paths
    owners: Mapping[str, str] = {}
    """Paths that are another assumption's."""

    def owner_of(self, path: str) -> str:
        """The assumption that a difference at this path is about."""
        return self.owners.get(path, self.assumption)


_ID: Final = "text uuid"
_OBJECT: Final = "object"
_META: Final = {
    "$": _OBJECT,
    "$.meta": _OBJECT,
    "$.meta.messageId": _ID,
    "$.meta.type": "text term",
    "$.meta.when": "time",
}
_META_MORE: Final = {"$.meta.requestId": _ID, "$.meta.data": "object null", "$.meta.data.**": ""}
_PATIENT_MORE: Final = {"externalId": "text uuid null", "additionalIds": "object null"}


def _under(prefix: str, paths: Paths) -> dict[str, str]:
    return {f"{prefix}.{path}": kinds for path, kinds in paths.items()}


_IDENTITY: Final = Expected(
    "A01",
    {
        **_META,
        "$.payload": _OBJECT,
        "$.payload.proofedIdentityId": _ID,
        "$.payload.patientId": _ID,
    },
    {
        **_META_MORE,
        **_under(
            "$.payload",
            {
                "externalId": _ID,
                "sessionId": _ID,
                "identitySessionId": _ID,
                "status": "term",
                "verifiedAt": "time",
            },
        ),
    },
    {
        "$.payload.patientId": "A02",
        "$.patientId": "A02",
        "$.payload.sessionId": "A03",
        "$.payload.identitySessionId": "A03",
        "$.sessionId": "A03",
        "$.meta.data": "A03",
        "$.meta.requestId": "A03",
    },
)
_NETWORK: Final = Expected(
    "A10",
    {
        **_META,
        "$.meta.requestId": _ID,
        "$.payload": _OBJECT,
        "$.payload.patientId": _ID,
        "$.payload.consolidatedDataUrl": "url",
        "$.payload.source": _OBJECT,
        "$.payload.source.type": "term",
        "$.payload.source.status": "term",
    },
    {
        **_META_MORE,
        "$.payload.externalId": _ID,
        "$.payload.purposeOfUse": "term",
        "$.payload.source.source": "term text",
        "$.payload.source.completedAt": "time",
        "$.payload.source.firstDataReadyAt": "time",
    },
    {"$.payload.purposeOfUse": "A09", "$.purposeOfUse": "A09", "$.meta.purposeOfUse": "A09"},
)
_BUNDLE: Final = "$.patients[].bundle"
_CONSOLIDATED: Final = Expected(
    "A14",
    {
        **_META,
        "$.meta.requestId": _ID,
        "$.patients": "array",
        "$.patients[]": _OBJECT,
        "$.patients[].patientId": _ID,
        "$.patients[].status": "term",
    },
    {
        **_META_MORE,
        **_under("$.patients[]", _PATIENT_MORE),
        "$.patients[].additionalIds.**": "",
        "$.patients[].filters": _OBJECT,
        "$.patients[].filters.**": "",
        _BUNDLE: _OBJECT,
        f"{_BUNDLE}.resourceType": "term",
        f"{_BUNDLE}.type": "term",
        f"{_BUNDLE}.total": "number",
        f"{_BUNDLE}.entry": "array",
        f"{_BUNDLE}.entry[]": _OBJECT,
        f"{_BUNDLE}.entry[].resource": _OBJECT,
        f"{_BUNDLE}.entry[].resource.**": "",
    },
)
WEBHOOKS: Final[Mapping[str, Expected]] = {
    "ias.identity.verified": _IDENTITY,
    "network-query.hie": _NETWORK,
    "network-query.hie.first-data-ready": _NETWORK,
    "network-query.pharmacy": _NETWORK,
    "network-query.lab": _NETWORK,
    "medical.consolidated-data": _CONSOLIDATED,
}
"""Those that are acted on."""

REDIRECTS: Final[Mapping[str, Expected]] = {
    "aal2": Expected("A06", {"$.aal2SessionId": "text", "$.status": "text"}, {}),
    "identity": Expected("A05", {}, {"$": "nothing"}),
}

_QUERY: Final = {
    "$": _OBJECT,
    "$.requestId": _ID,
    "$.status": "term",
    "$.sources": "array",
}
_QUERY_MORE: Final = {
    "$.startedAt": "time",
    "$.sources[]": _OBJECT,
    **_under(
        "$.sources[]",
        {"type": "term", "status": "term", "startedAt": "time", "completedAt": "time"},
    ),
    "$.errors": "array",
    "$.errors[]": _OBJECT,
    **_under(
        "$.errors[]",
        {"source": "term", "httpStatus": "number", "message": "text", "timestamp": "time"},
    ),
}
_ROWS: Final = {
    "$.startedAt": "time",
    "$.resources": "array",
    "$.resources[]": "text",
    "$.conversionType": "term",
    "$.dateFrom": "date text null blank",
    "$.dateTo": "date text null blank",
}
ANSWERS: Final[Mapping[str, Expected]] = {
    "create_identity_session": Expected(
        "A04",
        {"$": _OBJECT, "$.sessionId": _ID, "$.sessionUrl": "url", "$.expiresAt": "time"},
        {"$.status": "term"},
    ),
    "create_aal2_challenge": Expected(
        "A07",
        {"$": _OBJECT, "$.challengeId": _ID, "$.challengeUrl": "url", "$.expiresAt": "time"},
        {"$.method": "term"},
    ),
    "start_network_query": Expected(
        "A11",
        _QUERY,
        _QUERY_MORE,
        {path: "A22" for path in _QUERY_MORE if path.startswith("$.errors")},
    ),
    "get_network_query": Expected(
        "A12",
        _QUERY,
        {
            **_QUERY_MORE,
            "$.patientId": _ID,
            "$.purposeOfUse": "term",
            "$.metadata": _OBJECT,
            "$.metadata.**": "",
        },
    ),
    "start_consolidated_query": Expected(
        "A13", {"$": _OBJECT, "$.requestId": _ID, "$.status": "term"}, _ROWS
    ),
    "get_consolidated_query": Expected(
        "A13", {"$": _OBJECT, "$.requestId": _ID, "$.status": "term"}, _ROWS
    ),
    "probe_key": Expected(
        "A16",
        {"$": _OBJECT},
        {
            "$.id": _ID,
            "$.webhookUrl": "url null blank",
            "$.webhookKey": "text null",
            "$.mrFilters": "array object null",
            "$.mrFilters.**": "",
            "$.mrFilters[].**": "",
            "$.mrFilters[]": _OBJECT,
        },
    ),
}
"""Answers with 2xx, by operation. What the others answer is documented well enough to be read field by field."""

ENVELOPE: Final = Expected(
    "A17",
    {"$": "object"},
    {
        "$.status": "number",
        "$.title": "text",
        "$.detail": "text blank",
        "$.name": "text",
        "$.additionalInfo": "object",
        "$.additionalInfo.**": "",
        "$.message": "text",
    },
)
"""Answers with 4xx and 5xx in JSON."""

TEXT_STATUSES: Final = frozenset({403, 423, 429, 500, 502, 503, 504})
"""Statuses that are known to come as text as well."""

SESSION_STATUSES: Final = frozenset({400, 401, 403, 409, 412, 422})
"""Where Start Network Query may mean the session (A08)."""

KNOWN_STATUSES: Final = frozenset({404, 413, 423, 429, 500, 502, 503, 504})
"""Where it means what it says, for every operation."""
