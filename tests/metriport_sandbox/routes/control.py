"""The control API under `/_sandbox/`: not the vendor's, for tests and the curious.

It needs no key and shows secrets. The package's docstring lists what it can do.
"""

from dataclasses import asdict
from typing import Any

from aiohttp import web

from tests.metriport_sandbox.kernel import Sandbox
from tests.metriport_sandbox.scripts import ScriptError
from tests.metriport_sandbox.sender import Delivery, WebhookRow
from tests.metriport_sandbox.times import iso

from .common import parsed

_BASE = "/_sandbox"
_LOSSES = ("none", "failed", "silent")


def routes(sandbox: Sandbox) -> list[web.RouteDef]:
    """Return the routes of this family."""
    control = ControlRoutes(sandbox)
    return [
        web.get(f"{_BASE}/ledger", control.ledger),
        web.get(f"{_BASE}/limits", control.limits),
        web.get(f"{_BASE}/state", control.state),
        web.get(f"{_BASE}/scripts", control.scripts),
        web.delete(f"{_BASE}/scripts", control.forget_scripts),
        web.post(f"{_BASE}/faults", control.add_fault),
        web.post(f"{_BASE}/outcomes", control.add_outcome),
        web.get(f"{_BASE}/webhooks", control.webhooks),
        web.post(f"{_BASE}/webhooks/duplicate", control.duplicate),
        web.post(f"{_BASE}/webhooks/emit", control.emit),
        web.post(f"{_BASE}/webhooks/mode", control.set_mode),
        web.post(f"{_BASE}/identities/{{id}}", control.set_identity_status),
        web.post(f"{_BASE}/aal2-sessions/{{id}}", control.set_session_status),
    ]


class ControlRoutes:
    """Handlers of the control API."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def ledger(self, request: web.Request) -> web.Response:
        """Return the calls received, of one operation if asked."""
        wanted = request.query.get("operation")
        calls = self._sandbox.ledger.calls
        return web.json_response(
            [call.as_json() for call in calls if wanted in {None, call.operation}]
        )

    async def limits(self, _request: web.Request) -> web.Response:
        """Return the counters of the open windows."""
        return web.json_response(self._sandbox.limiter.counters())

    async def state(self, _request: web.Request) -> web.Response:
        """Return everything stored."""
        state = self._sandbox.state
        return web.json_response(_plain(asdict(state)))

    async def scripts(self, _request: web.Request) -> web.Response:
        """Return the faults and outcomes that wait."""
        scripts = self._sandbox.scripts
        body = {
            "faults": [asdict(fault) for fault in scripts.faults],
            "outcomes": [asdict(outcome) for outcome in scripts.outcomes],
        }
        return web.json_response(body)

    async def forget_scripts(self, _request: web.Request) -> web.Response:
        """Drop the faults and outcomes that wait."""
        self._sandbox.scripts.faults.clear()
        self._sandbox.scripts.outcomes.clear()
        return web.Response(status=204)

    async def add_fault(self, request: web.Request) -> web.Response:
        """Make the next calls of an operation go wrong."""
        try:
            fault = self._sandbox.scripts.add_fault(await _object(request))
        except ScriptError as error:
            return _refused(str(error))
        return web.json_response(asdict(fault), status=201)

    async def add_outcome(self, request: web.Request) -> web.Response:
        """Decide how the next background work ends."""
        try:
            outcome = self._sandbox.scripts.add_outcome(await _object(request))
        except ScriptError as error:
            return _refused(str(error))
        return web.json_response(asdict(outcome), status=201)

    async def webhooks(self, request: web.Request) -> web.Response:
        """Return every webhook with its deliveries, and all deliveries in order; the last if asked."""
        sender = self._sandbox.sender
        last = -int(request.query.get("last", 0))
        body = {
            "loss": sender.loss,
            "duplicate": sender.duplicate,
            "webhooks": [_row(row) for row in sender.rows[last:]],
            "deliveries": [_delivery(one) for one in sender.deliveries[last:]],
        }
        return web.json_response(body)

    async def duplicate(self, request: web.Request) -> web.Response:
        """Send one webhook, or all, once more, byte for byte the same."""
        wanted = (await _object(request)).get("messageId")
        rows = [row for row in self._sandbox.sender.rows if wanted in {None, row.message_id}]
        sent = [await self._sandbox.sender.send_again(row) for row in rows]
        return web.json_response([_delivery(delivery) for delivery in sent])

    async def emit(self, request: web.Request) -> web.Response:
        """Sign and send any body."""
        body = (await _object(request)).get("body")
        if not isinstance(body, dict):
            return _refused('give {"body": {...}}')
        return web.json_response(_delivery(await self._sandbox.sender.send_raw(body)))

    async def set_mode(self, request: web.Request) -> web.Response:
        """Switch loss and duplication of webhooks."""
        wanted, sender = await _object(request), self._sandbox.sender
        loss, duplicate = wanted.get("loss", sender.loss), wanted.get("duplicate", sender.duplicate)
        if loss not in _LOSSES or not isinstance(duplicate, bool):
            return _refused(f"loss is one of {', '.join(_LOSSES)}; duplicate is a boolean")
        sender.loss, sender.duplicate = loss, duplicate
        return web.json_response({"loss": loss, "duplicate": duplicate})

    async def set_identity_status(self, request: web.Request) -> web.Response:
        """Give an identity another status, such as `revoked`."""
        return await _set_status(request, self._sandbox.state.identities)

    async def set_session_status(self, request: web.Request) -> web.Response:
        """Give an AAL2 session another status, such as `expired`."""
        return await _set_status(request, self._sandbox.state.aal2_sessions)


async def _object(request: web.Request) -> dict[str, Any]:
    body = parsed(await request.read())
    return body if isinstance(body, dict) else {}


async def _set_status(request: web.Request, things: Any) -> web.Response:
    thing = things.get(request.match_info["id"])
    status = (await _object(request)).get("status")
    if thing is None or not isinstance(status, str):
        return _refused('no such id, or no {"status": "..."}')
    thing.status = status
    return web.json_response(asdict(thing))


def _row(row: WebhookRow) -> dict[str, Any]:
    body = asdict(row) | {"body": row.body()}
    return body | {"deliveries": [_delivery(delivery) for delivery in row.deliveries]}


def _delivery(delivery: Delivery) -> dict[str, Any]:
    return asdict(delivery) | {"at": iso(delivery.at)}


def _plain(value: Any) -> Any:
    """Turn sets into sorted lists: JSON has none."""
    match value:
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case set():
            return sorted(value)
        case _:
            return value


def _refused(reason: str) -> web.Response:
    return web.json_response({"error": reason}, status=400)
