"""One example of each message, all of one story: a person pulls their records for the first time.

Each is built by the Struct itself, so that an example which the types refuse does not type-check.
"""

from typing import Final

from ..base import Message  # noqa: TID252 - `schemas` is published alone: its imports stay relative
from .examples_commands import COMMAND_EXAMPLES
from .examples_events import EVENT_EXAMPLES
from .examples_others import OTHER_EXAMPLES

EXAMPLES: Final[tuple[Message, ...]] = (*COMMAND_EXAMPLES, *EVENT_EXAMPLES, *OTHER_EXAMPLES)
"""Every example."""
