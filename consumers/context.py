"""What handlers need beside the transaction and the message."""

from dataclasses import dataclass

from service.crypto.sealing import Opener, Sealer
from service.settings.groups import Web
from service.settings.roles import ConsumersSettings
from service.settings.rules import Rules
from service.store.asking import Door
from service.store.sessions import Use


@dataclass(frozen=True, kw_only=True)
class Context:
    """Frozen surroundings, made once a process."""

    rules: Rules
    web: Web
    sealer: Sealer
    opener: Opener

    @property
    def door(self) -> Door:
        """Where our links lead, and what seals them."""
        return Door(self.web.public_url, self.web.link_keys)

    @property
    def session_use(self) -> Use:
        """When a session may be used."""
        rules = self.rules
        return Use(rules.session_max_age, rules.session_max_idle, rules.session_reuse)


def context_of(settings: ConsumersSettings) -> Context:
    """What the settings of the consumers make of it."""
    return Context(
        rules=settings.rules,
        web=settings.web,
        sealer=Sealer(settings.sealing.public_key),
        opener=Opener(settings.opening.private_keys.reveal()),
    )
