"""What is done about an outcome that nobody knows: proof, the re-send, and the deadline."""

from collections.abc import Iterator
from typing import Final

from .state import Call, Id, Move, Query, State, name
from .steps import Rules
from .wire import VENDOR, became

_OPEN: Final = ("dispatching", "unknown", "resending")
_UNPROVEN: Final = ("unknown", "resending")
MOST_IDS: Final = 2


class Doubt(Rules):
    """The consumers' half of the protocol."""

    def webhooks(self, state: State) -> Iterator[Move]:
        """``webhooks.correlation.find``: by our id, or, where the vendor forgot it, by the strict rule."""
        for theirs, call in _known_to_the_vendor(state):
            if _owner(state, theirs) is not None:
                continue
            who = f"{name(theirs[0])}{theirs[1]}"
            proven = self.prove(state.queries[theirs[0]], theirs)
            yield f"{VENDOR}speaks of {who}, with our id", state.put(theirs[0], proven)
            if self.setup.forgets:
                yield from self.suppositions(state, theirs, call)
        yield from self.news(state)

    def prove(self, query: Query, theirs: Id) -> Query:
        """``correlation._by_our_id``."""
        after = query if query.ids else self.hear(query, "proof_found")
        return self.learn(query, after, theirs)

    def suppositions(self, state: State, theirs: Id, call: Call) -> Iterator[Move]:
        """``correlation._suppose`` and ``watch.confirming.confirm``: the only one that fits, by its status.

        The model takes both as one step. The product looks for the only one twice, and may so find less
        than the model does, never more.
        """
        for at in self.only_ones(state, theirs, call):
            query = state.queries[at]
            if query.standing in _UNPROVEN:
                what = f"speaks of {name(theirs[0])}{theirs[1]}, and confirms that it may be {name(at)}"
                yield VENDOR + what, state.put(at, self.prove(query, theirs))

    def only_ones(self, state: State, theirs: Id, call: Call) -> Iterator[int]:
        """``ias.correlation.suppose``. Times are not in the model, so any candidate may fit or not.

        But for the query whose call it is: the vendor starts a request during its call, or soon after;
        that a stale call was made so late that it does not fit is possible again.
        """
        candidates = [at for at, query in enumerate(state.queries) if self.is_candidate(query)]
        fits = [at for at in candidates if at == theirs[0] and not call.is_stale]
        yield from fits or candidates

    def is_candidate(self, query: Query) -> bool:
        """``suppositions.CANDIDATES``: a call of it was made, and its id is not known, or the other's."""
        lacks_one = query.resent and len(query.ids) < MOST_IDS
        return query.attempts > 0 and (query.standing in _OPEN or lacks_one)

    def news(self, state: State) -> Iterator[Move]:
        """A webhook, or a status, about a request whose id is known: its HIE part has ended."""
        for theirs, call in _known_to_the_vendor(state):
            at = _owner(state, theirs) if call.fate == "accepted" else None
            if at is not None:
                over = became(state.queries[theirs[0]], call, call._replace(fate="over"))
                ended = state.put(theirs[0], over)
                heard = self.hear(ended.queries[at], "all_completed")._replace(slot=False)
                who = f"{name(theirs[0])}{theirs[1]}"
                yield f"{VENDOR}says that {who} has ended", ended.put(at, heard)

    def resends(self, state: State) -> Iterator[Move]:
        """``expiring.resend_query``: ``Kind.UNPROVEN`` is only swept where the policy says so."""
        for at, query in enumerate(state.queries):
            if self.may_resend(query) and query.attempts < self.setup.attempts[at]:
                again = self.hear(query, "resend")._replace(resent=True, call="due")
                yield f"{name(at)}: is sent once more, for want of proof", state.put(at, again)

    def may_resend(self, query: Query) -> bool:
        """Once, and not when its own time is over (``queries.leave_alone``)."""
        unproven = query.standing == "unknown" and not query.resent
        return self.setup.resend and unproven and not query.overdue

    def deadlines(self, state: State) -> Iterator[Move]:
        """The clock, and ``expiring.end_query`` for its three kinds."""
        for at, query in enumerate(state.queries):
            if not query.overdue:
                yield (
                    f"{name(at)}: its deadline passes",
                    state.put(at, query._replace(overdue=True)),
                )
            elif self.is_over(query):
                ended = self.hear(query, "expired")
                call = "done" if query.call == "due" else query.call
                yield f"{name(at)}: is swept", state.put(at, ended._replace(call=call))

    def is_over(self, query: Query) -> bool:
        """``expiry.Kind.QUERY``, ``RESENDING`` and ``HELD_SLOT``."""
        swept = query.standing in ("due", "waiting", "started", "resending")
        return swept or (query.standing == "unknown" and query.slot)


def _known_to_the_vendor(state: State) -> Iterator[tuple[Id, Call]]:
    for at, query in enumerate(state.queries):
        for call in query.accepted:
            yield (at, call.attempt), call


def _owner(state: State, theirs: Id) -> int | None:
    """``queries.find_by_vendor_id``."""
    return next((at for at, query in enumerate(state.queries) if theirs in query.ids), None)
