"""How a command ends that could not do what it was for: what is said, and the exit code.

Kafka's errors are told here, for all tools alike; those of Postgres in ``consumers.reaching``.
"""

from typing import Final, NamedTuple

from aiokafka.errors import KafkaError

from consumers.auditing.published import UnreadableHeadsError
from consumers.auditing.tool import UnknownSubjectError
from consumers.command_line import FOUND_WRONG, WRONG_SETTINGS, ToolError, unheard
from consumers.reencrypt import WrongKeysError
from consumers.webhook_setup.errors import SetupError
from service.bus.facts import UnreachableError
from service.bus.reading import UnreadableTopicError
from service.gateway.failover.resuming import NotResumedError
from service.settings.reader import SettingsError
from service.store.compatibility import IncompatibleDatabaseError
from service.store.environment import WrongEnvironmentError

_OWN: Final = (
    IncompatibleDatabaseError,
    NotResumedError,
    SetupError,
    ToolError,
    UnknownSubjectError,
    UnreadableHeadsError,
    WrongEnvironmentError,
    WrongKeysError,
)
"""Their texts are written for a person and hold no value of a setting or a message."""


class Ending(NamedTuple):
    """An exit code, and the lines that go before it."""

    code: int
    lines: list[str]


def ending(error: Exception) -> Ending | None:
    """How to end after an error; ``None`` for one that nobody expected."""
    match error:
        case SettingsError():
            return Ending(WRONG_SETTINGS, error.problems)
        case UnreadableTopicError() | UnreachableError():
            return Ending(FOUND_WRONG, [unheard(str(error))])
        case KafkaError():
            return Ending(FOUND_WRONG, [unheard(type(error).__name__)])
        case _ if isinstance(error, _OWN):
            return Ending(FOUND_WRONG, [str(error)])
        case _:
            return None
