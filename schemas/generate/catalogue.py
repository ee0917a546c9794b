"""Every message of the topics: its ``ce_type``, and where it travels."""

from typing import Any, Final, Literal, NamedTuple

import msgspec

from .. import commands as c  # noqa: TID252 - `schemas` is published alone: its imports stay relative
from .. import events as e  # noqa: TID252 - as above
from ..base import Message  # noqa: TID252 - as above
from ..callbacks import CALLBACKS  # noqa: TID252 - as above
from ..dead_letters import DEAD_LETTER_TYPE, DeadLetter  # noqa: TID252 - as above
from ..links import LINK_TYPE, Link  # noqa: TID252 - as above
from ..record_requests import RECORD_REQUEST_TYPE, RecordRequest  # noqa: TID252 - as above
from ..topics import Topic  # noqa: TID252 - as above
from .examples import EXAMPLES


class Entry(NamedTuple):
    """One message. ``on_wire`` says whether the value is its JSON or that JSON sealed."""

    kind: type[Message]
    ce_type: str
    topic: Topic
    on_wire: Literal["json", "sealed"] = "json"

    @property
    def name(self) -> str:
        """The name under which documents speak of it."""
        return self.kind.__name__

    def examples(self) -> list[Any]:
        """Its examples as JSON values."""
        return [msgspec.to_builtins(value) for value in EXAMPLES if type(value) is self.kind]


MESSAGES: Final[tuple[Entry, ...]] = (
    *(Entry(kind, ce_type, Topic.COMMANDS) for ce_type, kind in c.COMMANDS.items()),
    *(Entry(kind, ce_type, Topic.EVENTS) for ce_type, kind in e.EVENTS.items()),
    Entry(Link, LINK_TYPE, Topic.LINKS),
    Entry(RecordRequest, RECORD_REQUEST_TYPE, Topic.RECORD_REQUESTS),
    *(Entry(kind, ce_type, Topic.CALLBACKS, "sealed") for ce_type, kind in CALLBACKS.items()),
    Entry(DeadLetter, DEAD_LETTER_TYPE, Topic.DEAD_LETTERS),
)
"""All of them, in the order in which a reader meets them."""
