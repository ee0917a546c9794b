"""What every call passes through, from the outside in.

record → gateway (API key, daily quota) → faults → rate limits → errors → handler. The order
is the vendor's: the gateway refuses before the application sees a call, and its limiter
counts calls that are refused later.
"""

import hmac
import logging

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from .errors import ApiError, GatewayError, internal
from .kernel import Sandbox
from .ledger import HEADERS_OF_INTEREST, Call
from .logline import call_line
from .pages import PageRefusedError
from .scripts import Fault

CALL: web.RequestKey[Call] = web.RequestKey("call", Call)

CONTROL_PREFIX = "/_sandbox/"
_PUBLIC_PREFIXES = ("/s/", "/aal2/", "/files/", CONTROL_PREFIX)
_VERSION = "1.27.0"
_LIMITED_TEXT = "Too many requests, please try again later."
_BINARY = ("application/pdf", "application/gzip", "image/png")

_log = logging.getLogger(__name__)


class Chain:
    """The middlewares of one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def middlewares(self) -> tuple[Middleware, ...]:
        """Return them, outermost first."""
        return self.record, self.gateway, self.faults, self.limits, errors

    @web.middleware
    async def record(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Enter the call in the ledger, and its answer; calls of the control API are none."""
        if request.path.startswith(CONTROL_PREFIX):
            return await handler(request)
        sandbox = self._sandbox
        if sandbox.config.public_url is None:
            sandbox.origin = str(request.url.origin())
        call = request[CALL] = await _received(sandbox, request)
        response = await handler(request)
        _answered(call, response)
        if sandbox.config.log is not None:
            sandbox.config.log(call_line(call, _template(request)))
        return response

    @web.middleware
    async def gateway(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse a missing, wrong or revoked key, and calls above the daily quota."""
        if request.path.startswith(_PUBLIC_PREFIXES):
            return await handler(request)
        given = request.headers.get("x-api-key", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, self._sandbox.config.api_key.encode()):
            return GatewayError(403, "Forbidden", "ForbiddenException").response()
        if not self._sandbox.limiter.hit_gateway():
            return GatewayError(429, "Limit Exceeded", "LimitExceededException").response()
        response = await handler(request)
        response.headers.setdefault("x-metriport-version", _VERSION)
        return response

    @web.middleware
    async def faults(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a call go wrong when that was asked for."""
        if request.path.startswith(CONTROL_PREFIX):
            return await handler(request)
        fault = self._sandbox.scripts.take_fault(operation_of(request))
        if fault is None:
            return await handler(request)
        request[CALL].fault = fault.kind
        return await _with_fault(fault, request, handler, self._sandbox)

    @web.middleware
    async def limits(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count the call; the application's own limiter answers text (vendor code)."""
        verdict = self._sandbox.limiter.hit(operation_of(request))
        if verdict is None:
            return await handler(request)
        if verdict.allowed:
            response = await handler(request)
        else:
            response = web.Response(status=429, text=_LIMITED_TEXT, content_type="text/html")
        response.headers.update(verdict.headers())
        return response


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn refusals, unknown routes and the double's own mistakes into vendor answers."""
    try:
        return await handler(request)
    except ApiError as error:
        return error.response()
    except PageRefusedError as refusal:
        return refusal.page
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        return ApiError(404, {"message": "Not Found"}).response()
    except web.HTTPRequestEntityTooLarge:
        return ApiError(413, {"message": "request entity too large"}).response()
    except web.HTTPException:
        raise
    except Exception:  # noqa: BLE001 - a mistake of the double must look like the vendor's 500
        _log.exception("the sandbox failed on %s", operation_of(request))
        return internal().response()


def operation_of(request: web.Request) -> str:
    """Return the name of the matched route."""
    return request.match_info.route.name or "unknown"


def _template(request: web.Request) -> str:
    """Return the path without what was put into it: it may hold a token."""
    resource = request.match_info.route.resource
    return request.path if resource is None else resource.canonical


async def _received(sandbox: Sandbox, request: web.Request) -> Call:
    headers = {
        name: request.headers[name] for name in HEADERS_OF_INTEREST if name in request.headers
    }
    body = (await request.read()).decode("utf-8", "replace") if request.can_read_body else ""
    call = Call(
        number=len(sandbox.ledger.calls) + 1,
        at=sandbox.now(),
        operation=operation_of(request),
        method=request.method,
        path=request.path,
        query=dict(request.query),
        headers=headers,
        body=body,
    )
    sandbox.ledger.calls.append(call)
    return call


def _answered(call: Call, response: web.StreamResponse) -> None:
    if call.fault not in {"reset", "drop-answer"}:
        call.status = response.status
    if isinstance(response, web.Response) and response.content_type not in _BINARY:
        encoded = "Content-Encoding" in response.headers
        call.answer = None if encoded else response.text


async def _with_fault(
    fault: Fault, request: web.Request, handler: Handler, sandbox: Sandbox
) -> web.StreamResponse:
    match fault.kind:
        case "status":
            response = web.Response(
                status=fault.status, text=fault.body, content_type=fault.content_type
            )
            response.headers.update(fault.headers)
            return response
        case "reset":
            _disconnect(request)
            return web.Response()
        case "drop-answer":
            response_ = await handler(request)
            _disconnect(request)
            return response_
        case "delay":
            await sandbox.background.hold(fault.seconds)
            return await handler(request)
        case _:
            response_ = await handler(request)
            await sandbox.background.hold(fault.seconds)
            return response_


def _disconnect(request: web.Request) -> None:
    """Close the connection at once, without an answer."""
    if request.transport is not None:
        request.transport.abort()
