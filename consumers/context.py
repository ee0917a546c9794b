"""What handlers need beside the transaction and the message."""

from dataclasses import dataclass

from service.crypto.sealing import Opener, Sealer
from service.settings.groups import Web
from service.settings.rules import Rules


@dataclass(frozen=True, kw_only=True)
class Context:
    """Frozen surroundings, made once a process."""

    rules: Rules
    web: Web
    sealer: Sealer
    opener: Opener
