"""The public application, put together from its routes."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler

from service.crypto.keys import KeyRing
from service.ingress.durability import Durable
from service.ingress.links import FindPage, LinkRoutes
from service.ingress.records import Recorder
from service.ingress.responses import STRICT
from service.ingress.returns import ReturnRoutes
from service.ingress.webhook import MAX_BODY, PATH, WebhookHandler


def public_app(
    *,
    webhook_keys: Callable[[], tuple[bytes, ...]],
    link_keys: KeyRing,
    recorder: Recorder,
    durable: Durable,
    find_page: FindPage,
) -> web.Application:
    """Everything that the outside can reach."""
    app = web.Application(client_max_size=MAX_BODY, middlewares=[bare_errors])
    app.router.add_post(PATH, WebhookHandler(webhook_keys, recorder, durable).receive)
    app.add_routes(LinkRoutes(link_keys, recorder, durable, find_page).routes())
    app.add_routes(ReturnRoutes(link_keys, recorder, durable).routes())
    return app


@web.middleware
async def bare_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors without a body and with strict headers: nothing of a request is ever echoed."""
    respond: Callable[[web.Request], Awaitable[web.StreamResponse]] = handler
    try:
        return await respond(request)
    except web.HTTPException as error:
        allow = {name: value for name, value in error.headers.items() if name.lower() == "allow"}
        return web.Response(status=error.status, headers={**STRICT, **allow})
