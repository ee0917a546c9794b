"""The model: who is proofed, whose session is whose, what Metriport accepted. One patient, two subjects.

Written from the promise (I2, I9), not from the product's code: no import of it.
"""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass
class Verification:
    """Asked for by ``owner``. ``state``: pending, expired, verified or dead."""

    owner: str
    state: str = "pending"
    overdue: bool = False


@dataclass
class Identity:
    """A proofed identity. ``state``: active, superseded, revoked or stopped."""

    owner: str
    verification: UUID
    proved_at: int
    state: str


@dataclass
class Challenge:
    """A challenge of one identity. ``state``: pending or over."""

    owner: str
    proofed: str
    state: str = "pending"
    overdue: bool = False


@dataclass
class Session:
    """A session as it was presented first."""

    owner: str
    proofed: str
    code: str
    is_confirmed: bool = False
    is_dead: bool = False


@dataclass
class Query:
    """A network query. ``is_silenced``: the identity was revoked after it began."""

    owner: str
    purpose: str = "ias"
    proofed: str | None = None
    is_accepted: bool = False
    is_silenced: bool = False


@dataclass(frozen=True)
class Claim:
    """What a webhook says of an identity; ``verification``: our id, ``page``: the vendor's session."""

    proofed: str
    at_patient: bool
    proved_at: int
    verification: UUID | None = None
    page: str | None = None


@dataclass
class Truth:
    """Everything that entitles."""

    treatment_enabled: bool
    links: dict[str, str] = field(default_factory=dict)
    verifications: dict[UUID, Verification] = field(default_factory=dict)
    pages: dict[str, UUID] = field(default_factory=dict)
    identities: dict[str, Identity] = field(default_factory=dict)
    challenges: dict[UUID, Challenge] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    queries: dict[UUID, Query] = field(default_factory=dict)

    def active(self, subject: str) -> str | None:
        """The subject's one active identity."""
        mine = [
            proofed
            for proofed, one in self.identities.items()
            if one.owner == subject and one.state == "active"
        ]
        assert len(mine) <= 1
        return mine[0] if mine else None

    def may_hear_of(self, subject: str, query_id: UUID) -> bool:
        """Whether the progress of this query may be told to the subject now (I9)."""
        query = self.queries.get(query_id)
        if query is None or query.owner != subject or not query.is_accepted or query.is_silenced:
            return False
        if query.purpose == "treatment":
            return self.treatment_enabled and self.links.get(subject) == "treatment"
        return self.links.get(subject) == "ias" and self.active(subject) is not None

    def may_have_data(self, subject: str) -> bool:
        """Whether a link to the patient's record may go to the subject now (I9)."""
        active = self.active(subject)
        return active is not None and any(
            self.may_hear_of(subject, query_id) and query.proofed == active
            for query_id, query in self.queries.items()
        )

    def may_call_with(self, query_id: UUID, proofed: str, secret: str) -> bool:
        """Whether a call for this query may carry this identity and session (I2)."""
        query, session = self.queries.get(query_id), self.sessions.get(secret)
        if query is None or session is None:
            return False
        is_live = session.is_confirmed and not session.is_dead
        is_own = session.owner == query.owner and session.proofed == proofed
        return is_live and is_own and self.active(query.owner) == proofed

    def verify(self, claim: Claim) -> None:
        """An authentic ``ias.identity.verified`` arrives."""
        named = self._named(claim)
        if named is None or not claim.at_patient:
            return
        verification = self.verifications[named]
        if verification.state == "dead":
            return
        known = self.identities.get(claim.proofed)
        if known is not None and self._conflicts(known, verification):
            verification.state, known.state = "dead", "stopped"
            return
        was_open = verification.state in {"pending", "expired"}
        verification.state = "verified"
        if known is None:
            known = Identity(verification.owner, named, claim.proved_at, "superseded")
            self.identities[claim.proofed] = known
        elif not was_open:
            return  # nothing new
        self._activate(known, named, claim.proved_at)

    def _named(self, claim: Claim) -> UUID | None:
        """The verification that ids name; without any, the newest of the only one ever linked."""
        if claim.verification is not None and claim.verification not in self.verifications:
            return None
        by_page = None if claim.page is None else self.pages.get(claim.page)
        named = {one for one in (claim.verification, by_page) if one is not None}
        if named:
            return named.pop() if len(named) == 1 else None
        own = [one for one, v in self.verifications.items() if v.owner in self.links]
        if len(self.links) != 1 or not own or self.verifications[own[-1]].state == "expired":
            return None
        return own[-1]

    def _conflicts(self, known: Identity, verification: Verification) -> bool:
        was_stopped = known.state == "stopped" and verification.state != "verified"
        return known.owner != verification.owner or was_stopped

    def _activate(self, identity: Identity, verification: UUID, proved_at: int) -> None:
        """The newest proof counts, whenever it arrives."""
        identity.proved_at = proved_at
        current = self.active(identity.owner)
        if current is not None and self.identities[current] is not identity:
            other = self.identities[current]
            if other.proved_at > proved_at:
                identity.state = "superseded"
                return
            other.state = "superseded"
            if other.verification != verification:
                self.verifications[other.verification].state = "dead"
        identity.state = "active"

    def come_back(self, challenge_id: UUID, secret: str, code: str) -> None:
        """A browser presents a session id for a challenge."""
        challenge = self.challenges[challenge_id]
        if challenge.state != "pending":
            return
        challenge.state = "over"
        if challenge.overdue:
            return
        if secret in self.sessions:
            self.sessions[secret].is_dead = True
            return
        self.sessions[secret] = Session(challenge.owner, challenge.proofed, code)

    def confirm(self, subject: str, code: str) -> None:
        """The application vouches for a return."""
        for session in self.sessions.values():
            if (session.owner, session.code) == (subject, code) and not session.is_dead:
                session.is_confirmed = True

    def revoke(self, subject: str) -> None:  # noqa: C901 - one loop for each kind of thing
        """Everything of the subject stops."""
        if self.links.get(subject) != "ias":
            return
        for verification in self.verifications.values():
            if verification.owner == subject:
                verification.state = "dead"
        for identity in self.identities.values():
            if identity.owner == subject and identity.state != "stopped":
                identity.state = "revoked"
        for challenge in self.challenges.values():
            if challenge.owner == subject:
                challenge.state = "over"
        for query in self.queries.values():
            if query.owner == subject:
                query.is_silenced = True
        self.end_sessions(subject)

    def end_sessions(self, subject: str) -> None:
        """They were revoked, or their time is over."""
        for session in self.sessions.values():
            if session.owner == subject:
                session.is_dead = True

    def sweep(self) -> None:
        """What is overdue has ended."""
        for verification in self.verifications.values():
            if verification.overdue and verification.state == "pending":
                verification.state = "expired"
        for challenge in self.challenges.values():
            if challenge.overdue:
                challenge.state = "over"
