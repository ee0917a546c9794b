"""``python -m tests.chaos.crashing ROLE``: the product, with a SIGKILL of itself at one named point.

The product knows nothing of this: functions are wrapped from outside, before it starts. ``CRASH_POINT``
names the point (``points``), ``CRASH_HIT`` at which of its passings the process ends.
"""

import contextlib
import contextvars
import functools
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer

from consumers.auditing.sealer import AuditSealer
from consumers.main import main
from consumers.processor import Processor
from schemas.topics import Topic
from service.bus.publisher import Publisher
from service.bus.relay import Relay
from service.bus.spooling import SpoolRelay
from service.gateway.claims import Claimer
from service.gateway.client import VendorClient
from service.gateway.dispatcher import Dispatcher
from service.store import audit_chain, calls, inbox, outbox, outbox_rows, spool
from service.store.pool import Database
from service.store.unit import Unit
from tests.chaos.points import BY_NAME


@dataclass
class Inside:
    """Which of the product's own functions a task is in, and whether there is anything to commit."""

    what: str = ""
    has_effect: bool = False


_inside: Final[contextvars.ContextVar[Inside]] = contextvars.ContextVar("inside")
_NOWHERE: Final = Inside()
_EFFECTIVE: Final = frozenset({"handler", "outcome"})
"""These have something to commit whenever they run; the others look in vain most of the time."""

Async = Callable[..., Awaitable[Any]]


class Crash:
    """Counts how often its point is passed, and ends the process at the right one."""

    def __init__(self, point: str, hit: int) -> None:
        self._point = point
        self._left = hit

    def passing(self, point: str) -> None:
        """The process is at this point now."""
        if point != self._point:
            return
        self._left -= 1
        if self._left == 0:
            sys.stderr.write(f"crash point reached: {point}\n")
            sys.stderr.flush()
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: Any, name: str, effect: Callable[..., str]) -> None:
        """Wrap a function; ``effect`` names what a call of it is, from its arguments."""
        original: Async = getattr(owner, name)

        @functools.wraps(original)
        async def wrapped(*args: Any, **more: Any) -> Any:
            what = effect(*args, **more)
            self.passing(f"{what}.before")
            result = await original(*args, **more)
            self.passing(f"{what}.after")
            return result

        setattr(owner, name, wrapped)

    def commits(self) -> None:
        """Wrap every transaction: its commit is what its block is left by."""
        original = Database.transaction

        @contextlib.asynccontextmanager
        async def wrapped(database: Database, *args: Any) -> AsyncIterator[Any]:
            async with original(database, *args) as unit:
                yield unit
                here = _inside.get(_NOWHERE)
                name = f"{here.what}-commit" if here.has_effect else "idle"
                self.passing(f"{name}.before")
            self.passing(f"{name}.after")

        setattr(Database, "transaction", wrapped)  # noqa: B010 - not of the declared type


def _within(owner: Any, method: str, what: str) -> None:
    """Remember, while this method runs, that it does."""
    original: Async = getattr(owner, method)

    @functools.wraps(original)
    async def wrapped(*args: Any, **more: Any) -> Any:
        token = _inside.set(Inside(what, has_effect=what in _EFFECTIVE))
        try:
            return await original(*args, **more)
        finally:
            _inside.reset(token)

    setattr(owner, method, wrapped)


def _published(_publisher: Publisher, topic: Topic, *_: Any) -> str:
    here = _inside.get(_NOWHERE).what
    if here in {"relay", "spool"}:
        return f"{here}-publish"
    return "webhook-publish" if topic is Topic.WEBHOOKS else "callback-publish"


def prepare(crash: Crash) -> None:
    """Put the points around the product."""
    for owner, method, what in (
        (Processor, "handle", "handler"),
        (AuditSealer, "round", "seal"),
        (Relay, "round", "relay"),
        (SpoolRelay, "round", "spool"),
        (Claimer, "claim", "intent"),
        (Dispatcher, "_record", "outcome"),
    ):
        _within(owner, method, what)
    crash.commits()
    crash.around(Publisher, "publish", _published)
    crash.around(AIOKafkaConsumer, "commit", lambda *_: "offset-commit")
    crash.around(inbox, "remember", lambda *_: "inbox-insert")
    crash.around(inbox, "remember_all", lambda *_: "inbox-insert")
    crash.around(outbox, "flush", _told)
    crash.around(outbox_rows, "remove", _effect("relay-delete"))
    crash.around(spool, "insert", lambda *_: "spool-insert")
    crash.around(spool, "remove", _effect("spool-delete"))
    crash.around(audit_chain, "append", _effect("seal-append"))
    crash.around(calls, "mark_intent", _effect("intent-mark"))
    crash.around(VendorClient, "call", _called)
    crash.around(Dispatcher, "_record", lambda *_, **__: "outcome-record")


def _effect(name: str) -> Callable[..., str]:
    """The name, if there is anything to do; the transaction around it has something to commit then."""

    def named(_unit: Any, what: Any, *_: Any) -> str:
        if not what:
            return "idle"
        _inside.get(_NOWHERE).has_effect = True
        return name

    return named


def _told(unit: Unit) -> str:
    """A handler writes what it has to tell; the others of this process tell by another way or seldom."""
    tells = _inside.get(_NOWHERE).what == "handler" and unit.to_tell
    return "outbox-insert" if tells else "idle"


def _called(_client: VendorClient, operation: str, *_: Any) -> str:
    """Looks and probes change nothing at the vendor."""
    return "vendor-call" if not operation.startswith(("get_", "probe")) else "look"


if __name__ == "__main__":
    wanted = os.environ["CRASH_POINT"]
    if wanted not in BY_NAME:
        sys.exit(f"no such crash point: {wanted}")
    prepare(Crash(wanted, int(os.environ.get("CRASH_HIT", "1"))))
    main(sys.argv[1:])
