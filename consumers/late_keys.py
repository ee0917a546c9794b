"""A webhook that the ingress took by a key which this process does not have yet.

A rotated key reaches the pods one by one: a mounted secret within a minute or two, a variable with the
rollout. The vendor signs with it at once, and what the ingress answered with 200 is never sent again. So
a young webhook of an unknown signature is kept like those of a stopped type, and tried again until the
key is here. Others of its type are kept behind it and flow as soon as they are looked at; a forged one is
put aside when it is no longer young.
"""

import time
from collections.abc import Iterable
from typing import Final

from consumers.reading import RejectedError, UnknownSignatureError
from consumers.tally import LEAST
from service.bus.received import Received

KEY_SECONDS: Final = 300.0
"""How long a key may be under way to the last consumer."""


def may_verify_later(error: RejectedError | None, record: Received | None) -> bool:
    """Whether the record was refused only for a key that may be under way."""
    if record is None or not isinstance(error, UnknownSignatureError):
        return False
    return abs(time.time() - record.timestamp / 1000) < KEY_SECONDS


def telling(
    results: Iterable[tuple[RejectedError | None, Received | None]],
) -> list[RejectedError | None]:
    """Those results of a probe that tell whether a type works.

    Not those that wait for their key. And not a few that nobody's key verified in time: they are forged,
    while many mean that this process's keys are wrong.
    """
    settled = [error for error, record in results if not may_verify_later(error, record)]
    others = [error for error in settled if not isinstance(error, UnknownSignatureError)]
    return others if len(settled) - len(others) < LEAST else settled
