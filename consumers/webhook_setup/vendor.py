"""The vendor's settings as calls that come to an end: repeated while that may help, all harmless to repeat.

Metriport publishes no limits for them and answers them from its own database; its own client repeats such
calls five times, one second apart at first.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from consumers.webhook_setup.account import Account, Health, read_account, read_health
from consumers.webhook_setup.errors import SetupError
from service.gateway import protocol
from service.gateway.client import VendorClient
from service.gateway.outcome import Accepted, CredentialDoubt, KeyRefused, Refused, SlowDown
from service.gateway.protocol import VendorRequest

ATTEMPTS: Final = 5
_FIRST_SECONDS: Final = 1.0
_LONGEST: Final = timedelta(seconds=30)

Pause = Callable[[float], Awaitable[None]]


class VendorAccount:
    """The account's settings at the vendor."""

    def __init__(self, client: VendorClient, pause: Pause = asyncio.sleep) -> None:
        self._client = client
        self._pause = pause

    async def read(self) -> Account:
        """The account's webhook as it is.

        Raises:
            SetupError: the vendor does not say.
        """
        return await self._account("get_settings", protocol.probe_key())

    async def set_url(self, url: str) -> Account:
        """Set the URL, which is pinged at once, or clear it with an empty one.

        Raises:
            SetupError: refused, or nobody knows whether it was done.
        """
        return await self._account("update_settings", protocol.update_settings(url))

    async def health(self) -> Health | None:
        """How the webhook is doing; ``None`` where the vendor has stored nothing.

        Raises:
            SetupError: the vendor does not say.
        """
        outcome = await self._call("get_webhook_status", protocol.webhook_status())
        if isinstance(outcome, Refused):
            if outcome.status == HTTPStatus.NOT_FOUND:
                return None
            raise SetupError(_refusal(outcome))
        try:
            return read_health(outcome.body)
        except ValueError:
            raise SetupError("Metriport's answer about the webhook is not understood") from None

    async def _account(self, operation: str, request: VendorRequest) -> Account:
        outcome = await self._call(operation, request)
        if isinstance(outcome, Refused):
            raise SetupError(_refusal(outcome))
        try:
            return read_account(outcome.body)
        except ValueError:
            raise SetupError("Metriport's answer about the settings is not understood") from None

    async def _call(self, operation: str, request: VendorRequest) -> Accepted | Refused:
        seconds = _FIRST_SECONDS
        for attempt in range(1, ATTEMPTS + 1):
            outcome = await self._client.call(operation, request)
            if isinstance(outcome, Accepted | Refused):
                return outcome
            if isinstance(outcome, CredentialDoubt | KeyRefused):
                raise SetupError("Metriport does not accept METRIPORT_API_KEY")
            if attempt < ATTEMPTS:
                asked = outcome.delay if isinstance(outcome, SlowDown) else timedelta()
                await self._pause(max(seconds, min(asked, _LONGEST).total_seconds()))
                seconds *= 2
        raise SetupError("Metriport does not answer; what it was asked may have been done")


def _refusal(refused: Refused) -> str:
    if refused.status != HTTPStatus.BAD_REQUEST:
        return f"Metriport refused the call with status {refused.status}"
    return (
        "Metriport refused the URL: it takes no host that is local or inside a network, nor a URL that "
        "holds amazonaws.com, /internal or four zeros in a row"
    )
