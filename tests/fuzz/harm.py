"""What no connection may come to, whatever was sent on it."""

from typing import Final

from tests.fuzz.mutations import CANARY
from tests.fuzz.wire import PATIENCE, Outcome

FORBIDDEN: Final = {500, 501}


def harm_in(outcome: Outcome) -> list[str]:
    """Answered or closed; nothing repeated; no fault."""
    found = {
        "neither answered nor closed": not outcome.final and not outcome.closed,
        "too late": outcome.seconds >= PATIENCE,
        "a fault": bool(FORBIDDEN & {answer.status for answer in outcome.answers}),
        "repeated what was sent": CANARY in outcome.received.lower(),
    }
    return [harm for harm, happened in found.items() if happened]
