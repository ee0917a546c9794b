"""How much the ingress takes on at once; beyond it, 503 at once rather than 200 too late.

Metriport does not repeat a webhook by itself, but it does remember a refusal and forgets nothing that
it can be asked to send again. A process that ran out of memory would refuse everybody.

What the memory of one process is made of, at worst (see ``tests/overload`` for what was measured):

====================================  =======================================================
the process at rest                   about 70 MiB
connections without a complete head   ``CONNECTIONS`` x about 8 KiB, 16 KiB more for fat heads
bodies up to ``SMALL_BODY``           ``CONNECTIONS`` x 4 KiB = 32 MiB: one request each at a time
all larger bodies, as received        ``BODY_BYTES`` = 160 MiB; a sealed body replaces the received one
one body being looked into            its text, its sealed copy: one at a time, see ``webhook``
what Kafka's and Postgres' clients    a copy or two of each record that they are sending
====================================  =======================================================

Together less than 768 MiB, the container's limit in ``deploy``: with 40 bodies of 32 MiB at once, Kafka and
Postgres behind it, a process had 422 to 621 MiB resident at its peak (``tests/durability/test_large_bodies.py``).

A ping can only be told from another webhook once its body has been read and its signature verified. So
bodies as small as a ping are read whatever else is going on; what is counted is the work after that.
"""

from types import TracebackType
from typing import Final, Literal, Self

from service.telemetry import metrics

KIB: Final = 1024
MIB: Final = 1024 * KIB

MAX_BODY: Final = 32 * MIB
"""Bulk document lists are the largest webhooks; Kafka's records are bounded at 34 MiB."""

SMALL_BODY: Final = 4 * KIB
"""Up to here a body is read without asking for room. Pings have less than 300 bytes."""

LARGE_BODY: Final = 8 * MIB
LARGE_BODIES: Final = 4
"""So many bodies above ``LARGE_BODY`` at once: they are rare, and each passes through Kafka whole."""

EARNEST: Final = 1 * MIB
"""From here on a body counts as large as it was announced to be; see ``Bodies``."""

BODY_BYTES: Final = LARGE_BODIES * MAX_BODY + 32 * MIB
"""The sum over all bodies above ``SMALL_BODY``: four of the largest, and some of the others."""

WEBHOOKS: Final = 1_000
"""Webhooks that are being made durable: 500 a second, while both stores take their second each."""

BROWSERS: Final = 256
"""Requests of people. They wait for Kafka or Postgres as webhooks do, and must not stand in their way."""

CONNECTIONS: Final = 8_000
"""Open connections of one process. An idle one takes about 8 KiB; see ``connections`` for the rest."""

BODY_SECONDS: Final = 1.0
"""From the head to the last byte of the body: the first of the marks that add up to 3.5 s."""

Limit = Literal["webhooks", "browsers", "large_bodies", "body_bytes"]


class Overloaded(Exception):  # noqa: N818 - a state, not a fault
    """There is no room now. Counted when raised."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(limit)
        metrics.REFUSED.labels(limit).inc()


class Places:
    """A number of things that may be going on at once. Nobody waits: waiting is what kills."""

    def __init__(self, limit: Limit, most: int) -> None:
        self._limit: Limit = limit
        self._most = most
        self._taken = 0

    def check(self) -> None:
        """Raise ``Overloaded`` when there is no place."""
        if self._taken >= self._most:
            raise Overloaded(self._limit)

    def __enter__(self) -> None:
        """Take a place, or raise ``Overloaded``."""
        self.check()
        self._taken += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give the place back."""
        self._taken -= 1


class Bodies:
    """The bytes of all bodies above ``SMALL_BODY``, from their arrival to the answer.

    What counts is what has arrived, not what was announced: who announces much and sends little takes
    nobody's place. Only from ``EARNEST`` on a body counts as large as it will be, so that of many
    large ones four are let through early, rather than all of them being read half way.
    """

    def __init__(self, total: int = BODY_BYTES, large: int = LARGE_BODIES) -> None:
        self._total = total
        self._most_large = large
        self.held = 0
        self.large = 0

    def check(self, size: int) -> None:
        """Raise ``Overloaded`` when a body of this size would find no room now."""
        if size > LARGE_BODY and self.large >= self._most_large:
            raise Overloaded("large_bodies")
        if size > SMALL_BODY and self.held + size > self._total:
            raise Overloaded("body_bytes")

    def room(self, announced: int) -> "Room":
        """Room for one body; nothing is taken before it grows."""
        return Room(self, announced)


class Room:
    """What one body takes, until the block ends that it is entered for."""

    def __init__(self, bodies: Bodies, announced: int) -> None:
        self._bodies = bodies
        self._announced = announced
        self._size = 0
        self._is_large = False

    def __enter__(self) -> Self:
        """See the class."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give the room back."""
        self._leave()

    def grow(self, size: int) -> None:
        """The body has this size now; raise ``Overloaded`` when that is too much for all together."""
        self._leave()
        if size > EARNEST:
            size = max(size, self._announced)
        self._bodies.check(size)
        if size > SMALL_BODY:
            self._size, self._is_large = size, size > LARGE_BODY
            self._bodies.held += self._size
            self._bodies.large += self._is_large

    def _leave(self) -> None:
        self._bodies.held -= self._size
        self._bodies.large -= self._is_large
        self._size, self._is_large = 0, False


class Limits:
    """The limits of one process."""

    def __init__(self) -> None:
        self.webhooks = Places("webhooks", WEBHOOKS)
        self.browsers = Places("browsers", BROWSERS)
        self.bodies = Bodies()
