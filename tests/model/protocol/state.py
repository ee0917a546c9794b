"""One state of the whole: what the database holds, what the replicas remember, what is on the wire."""

import re
from typing import Final, Literal, NamedTuple

Standing = Literal[
    "due",
    "waiting",
    "dispatching",
    "unknown",
    "resending",
    "started",
    "refused",
    "completed",
    "partial",
]
"""``network_query.state``."""
Told = Literal["unknown", "queued again", "started", "refused"]
Heard = Literal["", "accepted", "refused", "not done", "unclear"]
Id = tuple[int, int]
"""A request id of the vendor's: of which query of ours it really is, and of which attempt."""


class Call(NamedTuple):
    """A call that left a replica, until the vendor said no to it. ``over``: its HIE part has ended, and we know."""

    attempt: int
    was_told: bool
    """Before it was made, the query had been told as unknown and as queued again."""
    is_stale: bool
    """Whoever made it had lost the lease."""
    fate: Literal["sent", "accepted", "over"] = "sent"


class Query(NamedTuple):
    """A query of the one patient: its two rows, what was told of it, and its calls as they were made."""

    standing: Standing = "due"
    call: Literal["due", "dispatching", "done", "unknown"] = "due"
    """``vendor_call.state``."""
    attempts: int = 0
    slot: bool = False
    overdue: bool = False
    resent: bool = False
    ids: tuple[Id, ...] = ()
    told: frozenset[Told] = frozenset()
    calls: tuple[Call, ...] = ()

    @property
    def accepted(self) -> tuple[Call, ...]:
        """The calls that the vendor accepted, in the order in which they were made."""
        return tuple(call for call in self.calls if call.fate != "sent")


class Claim(NamedTuple):
    """What a replica remembers of a call it claimed; a SIGKILL takes it away."""

    query: int
    attempt: int
    at: Literal["marked", "checked", "calling", "answered"] = "marked"
    heard: Heard = ""

    def __str__(self) -> str:
        return f"{name(self.query)}{self.attempt}"


class State(NamedTuple):
    """``claims`` are sorted: which of the replicas has one makes no difference."""

    queries: tuple[Query, ...]
    claims: tuple[Claim, ...] = ()

    def put(self, at: int, query: Query) -> "State":
        """With another query at that place."""
        return self._replace(queries=(*self.queries[:at], query, *self.queries[at + 1 :]))

    def swap(self, old: Claim | None, new: Claim | None = None) -> "State":
        """With a claim that has gone on, has begun (no ``old``), or is no more (no ``new``)."""
        claims = list(self.claims)
        if old is not None:
            claims.remove(old)
        if new is not None:
            claims.append(new)
        return self._replace(claims=tuple(sorted(claims)))


Move = tuple[str, State]


class Setup(NamedTuple):
    """How large the model is, and what is assumed.

    ``attempts``: for each query, how often it may be claimed, so that the model has an end. ``prompt``:
    see the package. ``forgets``: the vendor may send a webhook without the metadata of its call.
    """

    attempts: tuple[int, ...] = (3,)
    replicas: int = 2
    resend: bool = False
    prompt: bool = True
    forgets: bool = True


def name(query: int) -> str:
    """What a trace calls a query; with the attempt behind it, a call."""
    return "ABC"[query]


_NAMES: Final = re.compile(r"\b[ABC]\d*\b")


def kind(step: str) -> str:
    """What a step is, whichever query or call it is of."""
    return _NAMES.sub("_", step)
