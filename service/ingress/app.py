"""The public application, put together from its routes."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from service.crypto.keys import KeyRing
from service.ingress.durability import Durable
from service.ingress.limits import MAX_BODY, Limits, Overloaded
from service.ingress.links import FindPage, LinkRoutes
from service.ingress.records import Recorder
from service.ingress.responses import SERVER, STRICT
from service.ingress.returns import ReturnRoutes
from service.ingress.webhook import PATH, WebhookHandler, traceparent_of
from service.telemetry import traces
from service.telemetry.shapes import UNWATCHED, Shapes
from service.telemetry.traces import Kind

_KEPT: Final = frozenset({"Allow", "Connection", "Date", "Server"})
"""Headers of an error that are aiohttp's own words."""


def public_app(
    *,
    webhook_keys: Callable[[], tuple[bytes, ...]],
    link_keys: KeyRing,
    recorder: Recorder,
    durable: Durable,
    find_page: FindPage,
    shapes: Shapes = UNWATCHED,
) -> web.Application:
    """Everything that the outside can reach."""
    limits = Limits()
    app = web.Application(client_max_size=MAX_BODY)
    app.on_response_prepare.append(plain_heads)
    if traces.is_on():
        app.middlewares.append(traced)
    webhooks = WebhookHandler(webhook_keys, recorder, durable, limits)
    app.router.add_post(PATH, webhooks.receive, expect_handler=webhooks.expect)
    links = LinkRoutes(link_keys, recorder, durable, find_page)
    returns = ReturnRoutes(link_keys, recorder, durable, shapes)
    for route in (*links.routes(), *returns.routes()):
        limited = _limited(limits, route.handler)
        app.add_routes([web.RouteDef(route.method, route.path, limited, route.kwargs)])
    return app


async def plain_heads(request: web.Request, response: web.StreamResponse) -> None:
    """No answer names its software; errors have no body and strict headers: no request is ever echoed.

    A hook and not a middleware, because aiohttp refuses an unknown ``Expect`` before every middleware
    and repeats what was sent; and because it costs a webhook next to nothing.
    """
    del request
    response.headers["Server"] = SERVER
    is_error = isinstance(response, web.HTTPException)
    if is_error or response.status == HTTPStatus.EXPECTATION_FAILED:
        assert isinstance(response, web.Response)  # noqa: S101 - both kinds are
        response.body = b""
        for name in set(response.headers) - _KEPT:
            del response.headers[name]
        response.headers.update({**STRICT, "content-length": "0"})


@web.middleware
async def traced(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A span named by the route's template: paths and query strings hold tokens and sessions."""
    resource = request.match_info.route.resource
    route = "unknown" if resource is None else resource.canonical
    with traces.span(
        f"{request.method} {route}", Kind.SERVER, traceparent_of(request), route=route
    ) as span:
        answer = await handler(request)
        span.set(status=answer.status)
        return answer


def _limited(limits: Limits, handler: Handler) -> Handler:
    """People's requests are bounded apart from webhooks, so that neither stands in the other's way."""

    async def bounded(request: web.Request) -> web.StreamResponse:
        try:
            with limits.browsers:
                return await handler(request)
        except Overloaded:
            raise web.HTTPServiceUnavailable from None

    return bounded
