"""Account settings and the webhook's state, at the root of the API (not under /medical).

Vendor code: the first URL makes the key and later ones keep it; an empty value changes
nothing, though the docs describe clearing the URL to rotate the key (`key_rotation`); every
call with a URL fires a ping at once, which can overtake the answer that carries the key.
"""

from typing import Any

from aiohttp import web

from tests.metriport_sandbox.errors import bad_request, json_answer, not_found
from tests.metriport_sandbox.kernel import Sandbox
from tests.metriport_sandbox.rules.checks import Issues
from tests.metriport_sandbox.rules.urls import webhook_url_allowed

from .common import body_of


def routes(sandbox: Sandbox) -> list[web.RouteDef]:
    """Return the routes of this family."""
    settings = SettingsRoutes(sandbox)
    return [
        web.get("/settings", settings.get, name="get-settings"),
        web.post("/settings", settings.update, name="update-settings"),
        web.get("/settings/webhook", settings.webhook_status, name="get-webhook-status"),
        web.post("/settings/webhook/retry", settings.retry, name="retry-webhooks"),
    ]


class SettingsRoutes:
    """Handlers of `/settings`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def get(self, _request: web.Request) -> web.Response:
        """Return the settings; the first read creates them."""
        settings = self._sandbox.state.settings
        settings.exists = True
        return json_answer(settings.dto())

    async def update(self, request: web.Request) -> web.Response:
        """Set the webhook's address, and ping it."""
        body = await body_of(request)
        url = self._read(body)
        settings = self._sandbox.state.settings
        settings.exists = True
        if url:
            settings.webhook_url = url
            settings.webhook_key = settings.webhook_key or self._fresh_key()
            self._sandbox.sender.ping()
        elif "webhookUrl" in body and self._sandbox.config.key_rotation == "renewed":
            settings.webhook_key_dropped |= settings.webhook_key is not None
            settings.webhook_url = settings.webhook_key = None
        return json_answer(settings.dto())

    async def webhook_status(self, _request: web.Request) -> web.Response:
        """Return how the webhook is doing; 404 before any settings exist."""
        settings = self._sandbox.state.settings
        if not settings.exists:
            raise not_found("Could not find settings")
        processing, failed = self._sandbox.sender.counts()
        as_text = self._sandbox.config.webhook_enabled == "string"
        enabled = settings.webhook_enabled
        answer = {
            "webhookEnabled": str(enabled).lower() if as_text else enabled,
            "webhookStatusDetail": settings.webhook_status_detail,
            "webhookRequestsProcessing": processing,
            "webhookRequestsFailed": failed,
        }
        return json_answer(answer)

    async def retry(self, _request: web.Request) -> web.Response:
        """Start sending all failures again; the answer does not wait for that."""
        self._sandbox.sender.retry_failures()
        return web.Response(text="OK")

    def _fresh_key(self) -> str:
        """Return a new key: a configured one is that of the first URL only."""
        made = self._sandbox.ids.nanoid()
        is_first = not self._sandbox.state.settings.webhook_key_dropped
        return (is_first and self._sandbox.config.webhook_key) or made

    def _read(self, body: Any) -> str | None:
        issues = Issues()
        holder = issues.obj(body) or {}
        issues.strict(holder, ("webhookUrl",))
        url = holder.get("webhookUrl")
        if url is not None and not isinstance(url, str):
            issues.expected("string", url, ("webhookUrl",))
        issues.raise_if_any()
        allow_loopback = self._sandbox.config.allow_loopback
        if url and not webhook_url_allowed(url, allow_loopback=allow_loopback):
            raise bad_request("Invalid URL")
        return url
