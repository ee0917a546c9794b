"""What the network and the vendor may do. Nobody can rely upon any of it."""

from collections.abc import Iterator

from .state import Call, Claim, Heard, Move, Query, State, name
from .steps import Rules

VENDOR = "the vendor "
"""Every step of this module begins with it."""


class Wire(Rules):
    """A call that is sent may be acted on at any time: early, late, or after its replica is dead."""

    def vendor_acts(self, state: State) -> Iterator[Move]:
        """On calls that are under way."""
        for at, query in enumerate(state.queries):
            for call in query.calls:
                if call.fate == "sent":
                    accepted = became(query, call, call._replace(fate="accepted"))
                    yield f"{VENDOR}accepts {name(at)}{call.attempt}", state.put(at, accepted)
                    yield from self._says_no(state, at, call)

    def _says_no(self, state: State, at: int, call: Call) -> Iterator[Move]:
        """Then the call is no more; its answer may be lost."""
        query = state.queries[at]
        who = f"{name(at)}{call.attempt}"
        left = state.put(at, became(query, call))
        yield f"{VENDOR}never gets, or says no to {who}, and no answer arrives", left
        for claim in state.claims:
            if (claim.query, claim.attempt, claim.at) == (at, call.attempt, "calling"):
                yield f"{VENDOR}refuses {who}", _answered(left, claim, "refused")
                yield f"{VENDOR}answers 429 to {who}", _answered(left, claim, "not done")

    def vendor_answers(self, state: State) -> Iterator[Move]:
        """2xx, with the request's id."""
        for claim in state.claims:
            accepted = {call.attempt for call in state.queries[claim.query].accepted}
            if claim.at == "calling" and claim.attempt in accepted:
                yield f"{VENDOR}answers 2xx to {claim}", _answered(state, claim, "accepted")


def became(query: Query, old: Call, *new: Call) -> Query:
    """The query with a call as it is now, or without it."""
    at = query.calls.index(old)
    return query._replace(calls=(*query.calls[:at], *new, *query.calls[at + 1 :]))


def _answered(state: State, claim: Claim, heard: Heard) -> State:
    return state.swap(claim, claim._replace(at="answered", heard=heard))
