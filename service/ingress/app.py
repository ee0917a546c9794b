"""The public application, put together from its routes."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from service.crypto.keys import KeyRing
from service.ingress.durability import Durable
from service.ingress.limits import MAX_BODY, Limits, Overloaded
from service.ingress.links import FindPage, LinkRoutes
from service.ingress.records import Recorder
from service.ingress.responses import STRICT
from service.ingress.returns import ReturnRoutes
from service.ingress.webhook import PATH, WebhookHandler


def public_app(
    *,
    webhook_keys: Callable[[], tuple[bytes, ...]],
    link_keys: KeyRing,
    recorder: Recorder,
    durable: Durable,
    find_page: FindPage,
) -> web.Application:
    """Everything that the outside can reach."""
    limits = Limits()
    app = web.Application(
        client_max_size=MAX_BODY, middlewares=[bare_errors, _browser_limit(limits)]
    )
    app.on_response_prepare.append(_bare_expectation_failed)
    webhooks = WebhookHandler(webhook_keys, recorder, durable, limits)
    app.router.add_post(PATH, webhooks.receive, expect_handler=webhooks.expect)
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


async def _bare_expectation_failed(request: web.Request, response: web.StreamResponse) -> None:
    """Aiohttp refuses an unknown ``Expect`` before every middleware, and repeats what was sent."""
    del request
    if response.status == HTTPStatus.EXPECTATION_FAILED and isinstance(response, web.Response):
        response.body = b""
        response.headers.update({**STRICT, "content-length": "0"})


def _browser_limit(limits: Limits) -> Middleware:
    """People's requests are bounded apart from webhooks, so that neither stands in the other's way."""

    @web.middleware
    async def bounded(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == PATH:
            return await handler(request)
        try:
            with limits.browsers.place():
                return await handler(request)
        except Overloaded:
            raise web.HTTPServiceUnavailable from None

    return bounded
