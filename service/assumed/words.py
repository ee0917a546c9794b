"""The words that a shape may be made of. What is in none of these lists never gets into a shape.

``PARTS`` are the parts of field names: a name is shown if each of its parts is here, so that a new field
such as ``identityAssuranceLevel`` is told by its name. Keys of objects that are maps (by id, by name) are
shown as ``*``; one that happens to be a listed word tells no more than that word.
"""

from typing import Final

PARTS: Final = frozenset(
    """
    aal aal2 aal3 access accept account acr active actual additional address admit alias amr any app
    application array assurance async at attachment attempt attributes aud audience auth authentication
    authenticator authorization available base batch birth body bulk bundle by callback cancelled carequality
    category challenge channel city class client code cohort cohorts command commonwell completed conditions
    confidence config consent consolidated contact content context conversion coordinates copy correlation
    count country coverage created credential custom cx data date day days deadline decision default
    delivery demographics description destination detail details device diagnosis digest dimension
    direction disabled discharge disposition dob document documents domain done download drivers duplicate
    duration ehex email enabled encounter end ended enrolled entry error errors evidence event exclude exp
    expiration expires expiry ext extension external facility facilities failed failure fast field fields
    file filter filters finish finished first flag for format found from gender generated given group gzip
    healthix height hie hint hour http iad ial ial2 ias iat id identifier identifiers identity ids idp import
    in index indexed info initiated input inner internal is iss issuer item items job key keys kind lab
    laboratory language last lat latest legal length level license limit line line1 line2 link links list load
    location lock locked log lon mail match matched matching max medical medication message messages meta metadata method
    metriport mfa middle mime min minutes mode model month mr name national network networks next node nonce
    not note notes notice npi null number object of offset on opt option options order organization origin
    original otp out outcome outer output overall override page pages paged pagination params parent
    partial patient patients payload pending percent period person personal pharmacy phase phone ping
    place policy pong position postal prefix previous priority private problem process processed
    processing profile progress proof proofed proofing property protocol provenance provider public
    purpose queries query queue random range rate raw read ready real realtime reason received record
    records redirect ref reference references refresh refused region registered rejected related
    relationship release reply request requested requester requests required reset resource resources
    response responses result results resume retries retry return revoked role roster rule sample scope
    score search second seconds secret section sent sequence series service session sessions set
    settings short signature signed single size skipped sort source sources specimen ssn stage start
    started starts state status step street strength string sub subject submitted success succeeded
    suffix summary system tag tags target task tefca tenant term test text threshold time timeout times
    timestamp title to token total totp trace transaction transfer transfers treatment trigger truncated
    trust try type types uid unit until updated uri url urls usage use used user valid value values
    vendor verification verified verifier version via view visit warning warnings webauthn webhook
    webhooks week when window with year years zip zone
    """.split()  # noqa: SIM905 - a list of so many words is read better as text
)

NAMES: Final = frozenset({"eTag"})
"""Whole names whose parts are too short to be listed."""

TERMS: Final = frozenset(
    """
    active admit application/gzip application/json application/pdf aal1 aal2 aal3 Bundle cancelled canceled
    collection completed declined DocumentReference expired F failed hie html ial1 ial2 ias in-progress json
    lab laboratory M national-hie O partial pdf pending pharmacy processing queued quest revoked searchset
    started succeeded superseded surescripts totp treatment true false U unverified verified waiting webauthn
    """.split()  # noqa: SIM905 - as above
)
"""Values that say nothing of a person: one of them is shown as ``term``, and not which."""

CONTENT_TYPES: Final = (
    "application/json",
    "text/html",
    "text/plain",
    "application/problem+json",
    "application/xml",
)
"""Every other content type is shown as ``other``, a missing one as ``none``."""

OTHER: Final = "*"
"""A key that is in no list: of a map, or of a field whose name has a part that is not in ``PARTS``."""
