"""What time ends: the nearest first, each told at its own moment, as the service's sweeper would."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from service.ias.aal2 import USABLE, ChallengeState, SessionState
from service.ias.aal2_table import ChallengeCue, SessionCue
from service.ias.consolidated import ConsolidatedState
from service.ias.consolidated_table import ConsolidatedCue
from service.ias.identity import VerificationState
from service.ias.identity_table import VerificationCue
from service.ias.lifetimes import EARLY_CONFIRMATION_WAIT, GRACE, SAFETY_MARGIN
from service.ias.network_query import QueryState
from service.ias.network_query_table import QueryCue
from service.testing import delivering, person, querying, retrieving
from service.testing.memory import Kept, Subject
from service.testing.world import World


class Due(NamedTuple):
    """Something that ends at a moment."""

    at: datetime
    end: Callable[[], object]


def pass_time(world: World, delta: timedelta) -> None:
    """Move the clock on, and end on the way whatever is over."""
    until = world.now + delta
    while True:
        nearest = min(_all(world), key=lambda due: due.at, default=None)
        if nearest is None or nearest.at > until:
            break
        world.now = max(world.now, nearest.at)
        nearest.end()
        retrieving.settle(world)
    world.now = until


def _all(world: World) -> Iterator[Due]:
    for subject in world.subjects.values():
        yield from _retrievals(world, subject)
        yield from _steps(world, subject)
        for kept in subject.sessions:
            yield from _session(world, kept)
        yield from _requests(world, subject)


def _retrievals(world: World, subject: Subject) -> Iterator[Due]:
    for one in subject.retrievals:
        if one.end is None:
            yield Due(one.wake_at, partial(retrieving.advance, world, one))


def _steps(world: World, subject: Subject) -> Iterator[Due]:
    for proofing in subject.proofings:
        if proofing.rule.state is VerificationState.PENDING:
            end = partial(person.end_proofing, world, proofing, VerificationCue.EXPIRED)
            yield Due(proofing.expires_at + GRACE, end)
    for challenge in subject.challenges:
        if challenge.state is ChallengeState.PENDING:
            close = partial(person.end_challenge, world, challenge, ChallengeCue.EXPIRED)
            yield Due(challenge.expires_at + GRACE, close)
    for early in subject.early:
        yield Due(
            early.came_at + EARLY_CONFIRMATION_WAIT, partial(person.refuse_early, world, early)
        )


def _session(world: World, kept: Kept) -> Iterator[Due]:
    end = partial(person.move_session, world, kept, SessionCue.EXPIRED, kept.about)
    terms, session = world.terms, kept.rule
    age = terms.session_max_age - SAFETY_MARGIN
    if session.state is SessionState.RECEIVED:
        yield Due(session.returned_at + min(terms.code_lifetime, age), end)
    elif session.state in USABLE:
        idle_since = session.last_used_at or session.returned_at
        yield Due(session.returned_at + age, end)
        yield Due(idle_since + terms.session_max_idle - SAFETY_MARGIN, end)


def _requests(world: World, subject: Subject) -> Iterator[Due]:
    for query in subject.queries:
        if query.state in {QueryState.WAITING, QueryState.DUE, QueryState.STARTED} or (
            query.state is QueryState.UNKNOWN and query.query_id in world.slots.values()
        ):
            yield Due(query.deadline, partial(querying.end, world, query, QueryCue.EXPIRED))
    for delivery in subject.deliveries:
        if delivery.state is ConsolidatedState.STARTED:
            over = delivery.started_at + world.terms.consolidated_lifetime
            yield Due(over, partial(delivering.hear, world, delivery, ConsolidatedCue.EXPIRED))
