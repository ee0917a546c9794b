"""What a service that uses the gateway does on each channel."""

from typing import Any, Final

from ..base import Command  # noqa: TID252 - `schemas` is published alone: its imports stay relative
from ..commands import COMMANDS  # noqa: TID252 - as above
from ..endings import ENDS  # noqa: TID252 - as above
from ..events import CommandRejected  # noqa: TID252 - as above
from ..topics import Topic  # noqa: TID252 - as above
from .asyncapi_channels import reference
from .asyncapi_messages import names_on
from .components import prose, summary

_RECEIVED: Final[dict[str, tuple[Topic, str, str]]] = {
    "receiveEvents": (
        Topic.EVENTS,
        "Learn what happened",
        "Read every event of your subjects; `commandId` and `requestId` say what caused one.",
    ),
    "receiveLinks": (
        Topic.LINKS,
        "Get the links that events name",
        "For the application alone: whoever holds a link can use it. Never log or store one.",
    ),
    "receiveRecordRequests": (
        Topic.RECORD_REQUESTS,
        "Look up where each record request stands",
        "Compacted: the last record of a key is its state; no value means the subject was erased.",
    ),
    "receiveWebhooks": (
        Topic.WEBHOOKS,
        "Read Metriport's webhooks (services that may see health data)",
        "Every authentic webhook, of known and unknown types. Deliveries can repeat.",
    ),
    "receiveDeadLetters": (
        Topic.DEAD_LETTERS,
        "Look at what could not be acted on (operators)",
        "The original bytes are sealed; the reason is a code of the closed list.",
    ),
}


def operations() -> dict[str, dict[str, Any]]:
    """Every operation: a sending one for each command, a receiving one for each readable topic."""
    sent = {_operation_name(command): _send(command) for command in COMMANDS.values()}
    return {**sent, **{name: _receive(*row) for name, row in _RECEIVED.items()}}


def _operation_name(command: type[Command]) -> str:
    return f"send{command.__name__}"


def _send(command: type[Command]) -> dict[str, Any]:
    ends = [*(event.__name__ for event in ENDS[command]), CommandRejected.__name__]
    return {
        "action": "send",
        "title": summary(command),
        "summary": f"Send {command.__name__} to the gateway.",
        "description": f"{prose(command.__doc__ or '')}\n\nEnds with {_either(ends)}.",
        "channel": reference(Topic.COMMANDS),
        "messages": [reference(Topic.COMMANDS, command.__name__)],
        "reply": {
            "channel": reference(Topic.EVENTS),
            "messages": [reference(Topic.EVENTS, name) for name in ends],
        },
    }


def _either(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def _receive(topic: Topic, title: str, description: str) -> dict[str, Any]:
    return {
        "action": "receive",
        "title": title,
        "summary": title,
        "description": description,
        "channel": reference(topic),
        "messages": [reference(topic, name) for name in sorted(names_on(topic))],
    }
