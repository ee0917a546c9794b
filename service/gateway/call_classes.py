"""How long a call may take and how much it may be answered with, by what kind of call it is.

No class waits longer than ``METRIPORT_TIMEOUT``, which the dispatcher's lease is made from. The vendor's
own gateway gives up at 29 s (code of its infrastructure), hence that setting's default of 30.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from service.store.calls import Operation

PROBE: Final = "probe_key"
"""The name of the call that asks whether our key is accepted; it belongs to no operation."""

_KIB: Final = 1024


@dataclass(frozen=True, kw_only=True)
class CallClass:
    """One kind of call. ``longest`` is for the whole call, connecting and reading included."""

    name: str
    """Calls of one class share a circuit (``service.gateway.circuit``)."""
    longest: timedelta
    largest_answer: int
    """Bytes of an answer's body, unpacked; one that goes on is not read to its end."""


STARTS_WORK: Final = CallClass(
    name="starts_work", longest=timedelta(seconds=120), largest_answer=1024 * _KIB
)
"""What must not run twice at once: asking again early would be worse than waiting. So these calls wait
for the verdict of the vendor's own gateway, as long as ``METRIPORT_TIMEOUT`` lets them."""

PERSON_WAITS: Final = CallClass(
    name="person_waits", longest=timedelta(seconds=15), largest_answer=64 * _KIB
)
"""A person looks at a waiting page. Another page costs nothing, so a call that hangs is made again."""

READS: Final = CallClass(name="reads", longest=timedelta(seconds=10), largest_answer=1024 * _KIB)
"""Changes nothing and is asked again later anyway; must not hold one of the few calls in flight."""

PROBES: Final = CallClass(name="probes", longest=timedelta(seconds=5), largest_answer=64 * _KIB)
"""The outcome of another call waits for it, under that call's lease."""

_CLASSES: Final[Mapping[str, CallClass]] = {
    Operation.CREATE_PATIENT: STARTS_WORK,
    Operation.START_NETWORK_QUERY: STARTS_WORK,
    Operation.START_CONSOLIDATED_QUERY: STARTS_WORK,
    Operation.CREATE_IDENTITY_SESSION: PERSON_WAITS,
    Operation.CREATE_AAL2_CHALLENGE: PERSON_WAITS,
    Operation.GET_PATIENT: READS,
    Operation.GET_NETWORK_QUERY: READS,
    Operation.GET_CONSOLIDATED_QUERY: READS,
    PROBE: PROBES,
}


def class_of(operation: str, method: str) -> CallClass:
    """The class of a call; one that is not in the table is judged by its method."""
    return _CLASSES.get(operation, READS if method == "GET" else STARTS_WORK)


CIRCUITS: Final = tuple(one.name for one in (STARTS_WORK, PERSON_WAITS, READS))
"""The classes that have a circuit each; probes have none, for they mend the others."""


def circuit_of(operation: Operation) -> str:
    """The circuit that the calls of an operation share."""
    return _CLASSES[operation].name
