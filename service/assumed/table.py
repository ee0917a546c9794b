"""Every assumption about the vendor that no public material settles, each with an id.

The ids stand beside the code that relies on them, and in deploy/README.md. What is documented or could be
read from the vendor's published code is no assumption and is not here.
"""

from typing import Final, NamedTuple


class Assumption(NamedTuple):
    """One assumption."""

    id: str
    text: str
    source: str
    """What little is known, and from where."""
    otherwise: str
    """What happens when it does not hold."""
    relied_on: tuple[str, ...]
    """Modules that stand on it."""
    seen_in: str
    """Where it shows, as ``observe`` names it; or how else it can be found out."""


def _(number: int, text: str, source: str, otherwise: str, at: str, seen_in: str) -> Assumption:
    return Assumption(f"A{number:02}", text, source, otherwise, tuple(at.split()), seen_in)


_GUIDE: Final = "IAS guide"
_CODE: Final = "vendor code of 2025"
_NONE: Final = "nothing public"

ASSUMPTIONS: Final = (
    _(
        1,
        "`ias.identity.verified` carries `proofedIdentityId` in `payload`",
        f"{_GUIDE}: the name; not the place",
        "it is also looked for at the top level and in `meta.data`; found nowhere, the webhook is kept unbound"
        " and operators are told",
        "service/ias/identity.py schemas/metriport/webhooks.py",
        "webhook ias.identity.verified",
    ),
    _(
        2,
        "`ias.identity.verified` names the patient as `patientId` beside it",
        _NONE,
        "as A01: kept unbound",
        "service/ias/identity.py",
        "webhook ias.identity.verified",
    ),
    _(
        3,
        "`ias.identity.verified` brings the session's `metadata` back in `meta.data`, or names the session as"
        " `sessionId`, `identitySessionId` or `meta.requestId`",
        "Create Identity Session: metadata comes back on subsequent webhooks",
        "it binds only if one subject alone was ever linked to the patient",
        "service/ias/identity.py",
        "webhook ias.identity.verified",
    ),
    _(
        4,
        "Create Identity Session answers 2xx with `sessionId`, `sessionUrl` and `expiresAt`",
        "its docs page; the status code is not named",
        "the person's step fails with `vendor_unclear`",
        "schemas/metriport/api.py",
        "answer create_identity_session",
    ),
    _(
        5,
        "the redirect after proofing proves nothing, whatever its parameters",
        _NONE,
        "nothing: they are not read",
        "service/ingress/returns.py",
        "redirect identity",
    ),
    _(
        6,
        "the redirect after a challenge has `aal2SessionId` and `status`, which is `verified` and nothing else"
        " when it went well",
        "Create AAL2 Challenge: for success only",
        "the person is told that it did not work and may try again",
        "service/ias/browser.py",
        "redirect aal2",
    ),
    _(
        7,
        "Create AAL2 Challenge answers 2xx with `challengeId`, `challengeUrl` and `expiresAt`",
        "its docs page; the status code is not named",
        "the person's step fails with `vendor_unclear`",
        "schemas/metriport/api.py",
        "answer create_aal2_challenge",
    ),
    _(
        8,
        "an expired, foreign or unknown session is refused on Start Network Query with 400, 401, 403, 409, 412 or"
        " 422, and nothing was started",
        _NONE,
        "the query ends with the status's own meaning, and no fresh challenge is asked for",
        "service/gateway/outcome.py",
        "answer start_network_query",
    ),
    _(
        9,
        "`network-query.*` says `purposeOfUse` in `payload`, if at all",
        "docs: when applicable",
        "it is not needed: a request belongs to us by its id or our metadata",
        "schemas/metriport/webhooks.py",
        "webhook network-query.*",
    ),
    _(
        10,
        "`network-query.*` of an ias query looks as that of a treatment query: `payload` with `patientId` and"
        " `source` of `type` and `status`, and `meta.requestId`",
        "docs and published package, for treatment",
        "the webhook goes to the dead letters, and the status is polled",
        "schemas/metriport/webhooks.py",
        "webhook network-query.*",
    ),
    _(
        11,
        "Start Network Query answers an ias query as a treatment query: `requestId`, `status`, `sources`, `errors`",
        "docs, for treatment",
        "the query becomes `NetworkQueryOutcomeUnknown`, and a webhook with our metadata proves it",
        "schemas/metriport/api.py",
        "answer start_network_query",
    ),
    _(
        12,
        "the status of an ias query may be read without a session",
        "docs name none",
        "a source that fails without a webhook ends at the query's deadline",
        "service/gateway/protocol.py",
        "answer get_network_query",
    ),
    _(
        13,
        "Start Consolidated Query needs no session",
        "docs name none",
        "`ConsolidatedDataFailed` after every query",
        "service/gateway/protocol.py",
        "answer start_consolidated_query",
    ),
    _(
        14,
        "`medical.consolidated-data` of ias data looks as that of treatment data",
        "docs and published package",
        "the webhook goes to the dead letters; `ConsolidatedDataFailed` at its lifetime",
        "schemas/metriport/webhooks.py",
        "webhook medical.consolidated-data",
    ),
    _(
        15,
        "links to consolidated data die three minutes after they were made",
        f"docs; 4 h in {_CODE}",
        "none if they live longer; shorter, applications find them dead",
        "service/ias/consolidated.py",
        "the time in `X-Amz-Expires` of a link; not a shape",
    ),
    _(
        16,
        "a key that is not accepted is answered 401 or 403 by `GET /settings` too, and a session that is not, is not",
        f"{_CODE}, for 403",
        "a refused session would stop all calls, or a refused key would blame sessions",
        "service/gateway/outcome.py",
        "answer probe_key",
    ),
    _(
        17,
        "errors are the envelope `status`, `title`, `detail`, `name` or `message` alone; 429 may be text",
        f"docs and {_CODE}; of the IAS endpoints nothing",
        "the status alone decides; a field is not named to the application",
        "service/gateway/outcome.py",
        "answer * with 4xx",
    ),
    _(
        18,
        "the allow-list of redirect URLs compares whole URLs",
        "docs: must be allowlisted",
        "none: ours are fixed and bare",
        "service/ingress/returns.py",
        "a refusal of create_identity_session or create_aal2_challenge; not a shape",
    ),
    _(
        19,
        "a proofed identity belongs to one patient, and a session to one identity",
        _NONE,
        "both subjects are stopped and operators are told (`identity_conflict`)",
        "service/ias/identity.py",
        "the event IdentityVerificationUnbound; not a shape",
    ),
    _(
        20,
        "a session may be used for several queries within its age",
        _NONE,
        "the second is refused, and the person is asked for a fresh challenge; AAL2_SESSION_REUSE=false avoids it",
        "service/ias/aal2.py",
        "answer start_network_query with 4xx on a second query",
    ),
    _(
        21,
        "there is no event when proofing or a challenge fails, and no other event of `ias.*`",
        "docs name one event",
        "an unknown type is kept on the topic and counted; the step ends at its lifetime",
        "schemas/metriport/webhooks.py",
        "webhook other",
    ),
    _(
        22,
        "`ias` may be asked of hie, pharmacy and lab alike",
        f"{_GUIDE}: its sample enables all three",
        "`NetworkQuerySourceUpdated` with `source_not_enabled` for each that may not",
        "service/gateway/operations/network_query.py",
        "answer start_network_query, `errors`",
    ),
)

BY_ID: Final = {one.id: one for one in ASSUMPTIONS}
