"""What a replica of the gateway does, step by step; between any two of them it may be killed."""

from collections.abc import Iterator
from typing import Final

from .state import Call, Claim, Heard, Id, Move, Query, State, name
from .steps import Cue, Rules, moved

SENDABLE: Final = ("due", "waiting", "resending")
_CUES: Final[dict[Heard, Cue]] = {
    "accepted": "accepted",
    "refused": "vendor_refused",
    "not done": "not_sent",
    "unclear": "unclear",
}


class Replica(Rules):
    """The dispatcher's half of the protocol."""

    def claims(self, state: State) -> Iterator[Move]:
        """``Claimer._claim``: one transaction, under the locks of subject, call and patient."""
        if len(state.claims) < self.setup.replicas:
            for at, query in enumerate(state.queries):
                if query.call == "due":
                    yield from self.turn(state, at)

    def turn(self, state: State, at: int) -> Iterator[Move]:
        """``operations.network_query.prepare``, then ``calls.mark_intent``."""
        query, who = state.queries[at], name(at)
        if query.standing not in SENDABLE:
            yield (
                f"{who}: its turn comes when it is over",
                state.put(at, query._replace(call="done")),
            )
            return
        if query.overdue or query.standing == "resending":
            down = self.hear(query, "turned_down")._replace(call="done")
            yield f"{who}: a check says no (deadline, session)", state.put(at, down)
        if query.overdue:
            return
        if self.slot_is_taken(state, at):
            yield f"{who}: waits for the slot", state.put(at, self.hear(query, "slot_taken"))
        elif query.attempts < self.setup.attempts[at]:
            yield self.mark(self.free_late_slots(state, at), at)

    def slot_is_taken(self, state: State, at: int) -> bool:
        """``queries.take_hie_slot``: by another query of the patient whose time is not over."""
        others = (query for i, query in enumerate(state.queries) if i != at)
        return any(other.slot and not other.overdue for other in others)

    def free_late_slots(self, state: State, at: int) -> State:
        """``queries.FREE_LATE_SLOTS``."""
        for i, query in enumerate(state.queries):
            if i != at and query.slot and query.overdue:
                state = state.put(i, query._replace(slot=False))
        return state

    def mark(self, state: State, at: int) -> Move:
        """``calls.mark_intent``: from this commit on the call counts as sent."""
        marked = self.marked(state.queries[at])
        claim = Claim(at, marked.attempts)
        return f"{claim}: is claimed, its intent committed", state.put(at, marked).swap(None, claim)

    def marked(self, query: Query) -> Query:
        """The rows as the mark leaves them."""
        cleared = self.hear(query, "cleared")._replace(slot=True)
        return cleared._replace(call="dispatching", attempts=query.attempts + 1)

    def performs(self, state: State) -> Iterator[Move]:
        """``Dispatcher._perform`` up to the first byte, and ``VendorClient.call``."""
        for claim in state.claims:
            if claim.at == "marked":
                yield f"{claim}: stood still too long, gives up", self.not_made(state, claim)
                if self.check_passes(state.queries[claim.query], claim):
                    yield from self.goes_on(state, claim)
            elif claim.at == "checked":
                yield from self.calls(state, claim)
            elif claim.at == "calling":
                unclear = claim._replace(at="answered", heard=self.broken())
                yield f"{claim}: no answer in time, or a broken one", state.swap(claim, unclear)

    def check_passes(self, query: Query, claim: Claim) -> bool:
        """``Pace.stalled`` is shorter than any lease, so whoever passes still has the lease."""
        return self.is_mine(query, claim)

    def goes_on(self, state: State, claim: Claim) -> Iterator[Move]:
        """Whoever is prompt looks at the clock and calls in one step; nothing comes between."""
        if self.setup.prompt:
            yield from self.calls(state, claim)
        else:
            checked = claim._replace(at="checked")
            yield f"{claim}: has not stood still until now", state.swap(claim, checked)

    def calls(self, state: State, claim: Claim) -> Iterator[Move]:
        """``VendorClient.call``: there is a connection of its own, or nothing was sent."""
        yield f"{claim}: gets no connection", self.not_made(state, claim)
        yield self.send(state, claim)

    def not_made(self, state: State, claim: Claim) -> State:
        """No byte was sent: ``NotSent``."""
        return state.swap(claim, claim._replace(at="answered", heard="not done"))

    def broken(self) -> Heard:
        """``client._broken``: the connection stood, so nobody knows."""
        return "unclear"

    def send(self, state: State, claim: Claim) -> Move:
        """The first byte: nobody can call it back."""
        query = state.queries[claim.query]
        stale = not (query.call == "dispatching" and query.attempts == claim.attempt)
        call = Call(claim.attempt, query.told >= {"unknown", "queued again"}, stale)
        sent = state.put(claim.query, query._replace(calls=(*query.calls, call)))
        return f"{claim}: the call is sent", sent.swap(claim, claim._replace(at="calling"))

    def records(self, state: State) -> Iterator[Move]:
        """``Dispatcher._record``: one transaction, fenced by ``calls.lock_mine``."""
        for claim in state.claims:
            if claim.at == "answered":
                query, rest = state.queries[claim.query], state.swap(claim)
                if self.is_mine(query, claim):
                    after = self.record(query, _CUES[claim.heard], (claim.query, claim.attempt))
                    yield f"{claim}: {claim.heard} is recorded", rest.put(claim.query, after)
                else:
                    yield f"{claim}: {claim.heard} comes too late to be recorded", rest

    def is_mine(self, query: Query, claim: Claim) -> bool:
        """``calls.LOCK_MINE``: the attempt is the fencing token."""
        return query.call == "dispatching" and query.attempts == claim.attempt

    def record(self, query: Query, cue: Cue, theirs: Id) -> Query:
        """``operations.network_query.record``; ``theirs``: the id in the answer, if it is one."""
        step = self.step(query, cue)
        after = moved(query, step)
        after = after._replace(
            call="due" if step.again else "unknown" if cue == "unclear" else "done"
        )
        return self.learn(query, after, theirs) if cue == "accepted" else after

    def crashes(self, state: State) -> Iterator[Move]:
        """SIGKILL, or a power cut: the replica forgets, the database and the wire do not."""
        for claim in state.claims:
            yield f"{claim}: its replica is killed", state.swap(claim)

    def leases(self, state: State) -> Iterator[Move]:
        """``calls.EXPIRED``, and ``Dispatcher._settle_expired`` on any replica: at any time.

        That a lease is over and not yet settled is no state of its own: all that its holder may do then,
        it may do before. It has not looked at the clock, or it looked in time.
        """
        for at, query in enumerate(state.queries):
            if query.call == "dispatching":
                yield f"{name(at)}: its lease runs out", state.put(at, self.settled(query, at))

    def settled(self, query: Query, at: int) -> Query:
        """An attempt that never reported back has an unknown outcome."""
        return self.record(query, "unclear", (at, query.attempts))
