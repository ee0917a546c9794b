"""``IasDouble``: the service as other services meet it, in memory."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from schemas.base import Command, Event
from schemas.client import GivenHeaders, Received, Record, RecordError, decode_command
from schemas.ids import LinkId, RequestId, SubjectId
from schemas.links import Link
from schemas.reasons import Reason
from schemas.record_requests import RecordRequest
from schemas.sources import Source, SourceStatus
from service.ias.aal2 import ChallengeState
from service.ias.consolidated import ConsolidatedState
from service.ias.identity import VerificationState
from service.ias.network_query import Update
from service.testing import clock, delivering, person, querying, retrieving
from service.testing.outbox import Told
from service.testing.taking import take
from service.testing.terms import Terms
from service.testing.world import World

_BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_OPEN: Final = {VerificationState.PENDING, VerificationState.EXPIRED}
"""A verification that a person can finish: also late, for the webhook is matched by its id."""

T = TypeVar("T")


class NothingToDoError(LookupError):
    """The test plays a part that nobody waits for: no such link, query or delivery is open."""


class IasDouble:
    """Takes commands and tells what the service would; the test plays person, Metriport and clock.

    Whatever is told is the result of the call that caused it, and stays in ``told``.
    """

    def __init__(self, *, now: datetime = _BEGIN, terms: Terms | None = None) -> None:
        self._world = World(terms or Terms(), now)

    @property
    def now(self) -> datetime:
        """The double's own time; ``time_passes`` moves it."""
        return self._world.now

    @property
    def told(self) -> list[Told]:
        """Everything told so far, in order, repeats included."""
        return list(self._world.outbox.told)

    def events(self, subject_id: SubjectId | None = None) -> list[Event]:
        """The events told so far, of one subject or all."""
        found = [told.message for told in self.told if isinstance(told.message, Event)]
        return [event for event in found if subject_id in {None, event.subject_id}]

    def link(self, link_id: LinkId | None) -> Link:
        """The link that an event named.

        Raises:
            NothingToDoError: there is no such link.
        """
        links = (told.message for told in self.told if isinstance(told.message, Link))
        return _first((link for link in links if link.link_id == link_id), "link")

    def record_requests(self) -> dict[RequestId, RecordRequest]:
        """The latest state of each record request, as a reader of the compacted topic has it."""
        latest: dict[RequestId, RecordRequest] = {}
        for message in (told.message for told in self.told):
            if isinstance(message, RecordRequest):
                latest[message.request_id] = message
            elif not isinstance(message, Event | Link):
                latest.pop(message, None)
        return latest

    def records(self, prefix: str = "") -> list[Record]:
        """Everything told so far as the Kafka records that the service would have written."""
        return [told.record(prefix) for told in self.told]

    def send(self, command: Command) -> list[Told]:
        """Take a command; what is told at once. Repeats and reused ids are known by ``commandId``."""
        return self._doing(lambda: take(self._world, command))

    def receive(self, headers: GivenHeaders, value: bytes | None) -> list[Told]:
        """Take a command from its Kafka record.

        Raises:
            RecordError: it holds no command that this version knows.
        """
        received = decode_command(headers, value)
        if not isinstance(received, Received):
            raise RecordError("not a command", "ce_type")
        return self.send(received.message)

    def refuse_next(self, reason: Reason) -> None:
        """Metriport will refuse the next call, or the next step that a person is to be asked for.

        ``session_refused`` makes a network query ask the person for a fresh challenge, and
        ``vendor_unclear`` leaves its outcome unknown.
        """
        self._world.refusal = reason

    def person_proves_identity(self, subject_id: SubjectId) -> list[Told]:
        """The person opens the newest link to a verification and proves who they are.

        Raises:
            NothingToDoError: none is open.
        """
        proofings = reversed(self._world.subject(subject_id).proofings)
        found = _first((one for one in proofings if one.rule.state in _OPEN), "verification")
        return self._doing(lambda: person.prove(self._world, found))

    def person_answers_challenge(self, subject_id: SubjectId) -> str:
        """The person opens the newest link to a challenge and answers; the code they come back with.

        Raises:
            NothingToDoError: none is open.
        """
        challenges = reversed(self._world.subject(subject_id).challenges)
        pending = (one for one in challenges if one.state is ChallengeState.PENDING)
        found = _first(pending, "challenge")
        code = person.answer(self._world, found)
        retrieving.settle(self._world)
        return code

    def vendor_brings_first_data(self, subject_id: SubjectId, source: Source) -> list[Told]:
        """First data of a source are there while it still runs.

        Raises:
            NothingToDoError: no query of the subject asked the source.
        """
        update = Update(source=source, status=SourceStatus.PROCESSING, early=True)
        return self._news(subject_id, update)

    def vendor_finishes(
        self,
        subject_id: SubjectId,
        source: Source,
        status: SourceStatus = SourceStatus.COMPLETED,
    ) -> list[Told]:
        """A source of the subject's oldest query that still waits for it has ended, else of the newest.

        Raises:
            NothingToDoError: no query of the subject asked the source.
        """
        reason = Reason.SOURCE_FAILED if status is SourceStatus.FAILED else None
        now = self._world.now
        return self._news(
            subject_id, Update(source=source, status=status, completed_at=now, reason=reason)
        )

    def vendor_delivers(
        self, subject_id: SubjectId, brings: delivering.Brings = "data"
    ) -> list[Told]:
        """Metriport delivers the oldest consolidated query of the subject that waits for it.

        Raises:
            NothingToDoError: none waits.
        """
        deliveries = self._world.subject(subject_id).deliveries
        waiting = (one for one in deliveries if one.state is ConsolidatedState.STARTED)
        found = _first(waiting, "consolidated query")
        return self._doing(lambda: delivering.deliver(self._world, found, brings))

    def time_passes(self, delta: timedelta) -> list[Told]:
        """Whatever is over by then ends, each at its own time."""
        return self._doing(lambda: clock.pass_time(self._world, delta))

    def _news(self, subject_id: SubjectId, update: Update) -> list[Told]:
        query = querying.which(self._world, subject_id, update.source)
        if query is None:
            raise NothingToDoError(f"no query of the subject has asked {update.source}")
        return self._doing(lambda: querying.hear(self._world, query, update))

    def _doing(self, act: Callable[[], None]) -> list[Told]:
        before = len(self._world.outbox.told)
        act()
        retrieving.settle(self._world)
        return self._world.outbox.told[before:]


def _first(found: Iterable[T], what: str) -> T:
    for one in found:
        return one
    raise NothingToDoError(f"no such {what} is open")
