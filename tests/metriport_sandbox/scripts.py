"""What a test asks for in advance: faults of HTTP calls, and outcomes of background work."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

FAULT_KINDS = ("status", "reset", "drop-answer", "delay", "delay-answer")
OUTCOME_OF = ("hie", "pharmacy", "lab", "consolidated", "documents")
OUTCOME_RESULTS = ("completed", "failed", "refused", "stuck", "empty")


class ScriptError(ValueError):
    """The request to the control API makes no sense; the text says why."""


@dataclass(kw_only=True)
class Fault:
    """Something that goes wrong with the next calls of an operation ('*': of any)."""

    operation: str
    kind: str
    status: int = 503
    body: str = ""
    content_type: str = "text/html"
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 1.0
    times: int = 1

    def __post_init__(self) -> None:
        """Refuse a kind that does not exist."""
        _one_of("kind", self.kind, FAULT_KINDS)


@dataclass(kw_only=True)
class Outcome:
    """How the next background work of a kind ends.

    `completed` and `failed` end normally; `refused` fails at the start, inside the 2xx;
    `stuck` never ends; `empty` completes without data. `notify` false sends no webhook, as
    the vendor may do for a failed source. `seconds` replaces the usual time.
    """

    of: str
    result: str
    notify: bool = True
    seconds: float | None = None
    http_status: int = 500
    message: str | None = None
    times: int = 1

    def __post_init__(self) -> None:
        """Refuse words that do not exist."""
        _one_of("of", self.of, OUTCOME_OF)
        _one_of("result", self.result, OUTCOME_RESULTS)


class Scripts:
    """Faults and outcomes that wait for their turn, first asked for, first served."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.outcomes: list[Outcome] = []

    def add_fault(self, wanted: dict[str, Any]) -> Fault:
        """Add a fault from the control API's JSON."""
        fault = Fault(**_known(wanted, Fault))
        self.faults.append(fault)
        return fault

    def add_outcome(self, wanted: dict[str, Any]) -> Outcome:
        """Add an outcome from the control API's JSON."""
        outcome = Outcome(**_known(wanted, Outcome))
        self.outcomes.append(outcome)
        return outcome

    def take_fault(self, operation: str) -> Fault | None:
        """Return the fault for this call, and count it."""
        for fault in self.faults:
            if fault.operation in {operation, "*"}:
                fault.times -= 1
                self.faults = [kept for kept in self.faults if kept.times > 0]
                return fault
        return None

    def take_outcome(self, of: str) -> Outcome:
        """Return the outcome for this piece of work, and count it."""
        for outcome in self.outcomes:
            if outcome.of == of:
                outcome.times -= 1
                self.outcomes = [kept for kept in self.outcomes if kept.times > 0]
                return outcome
        return Outcome(of=of, result="completed")


def _known(wanted: dict[str, Any], kind: type[Fault] | type[Outcome]) -> dict[str, Any]:
    names = {field_.name for field_ in fields(kind)}
    given = {_snake(key): value for key, value in wanted.items()}
    if unknown := sorted(given.keys() - names):
        raise ScriptError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(names))}")
    required = {"operation", "kind"} if kind is Fault else {"of", "result"}
    if missing := sorted(required - given.keys()):
        raise ScriptError(f"missing: {', '.join(missing)}")
    return given


def _snake(key: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)


def _one_of(name: str, value: str, allowed: Iterable[str]) -> None:
    if value not in allowed:
        raise ScriptError(f"{name} must be one of: {', '.join(allowed)}")
