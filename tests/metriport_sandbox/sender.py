"""Webhooks as the vendor sends them: once, signed, in parallel, with a short deadline.

From the vendor's code: any 2xx is success; anything else, a redirect too, leaves a row with
status `failure`; nothing is retried by itself; `webhookEnabled` merely reports the last
outcome. A retry sends the stored payload with the same `messageId` and `when`, but without
`meta.data`, because the sender does not pass the metadata along.
"""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp

from .background import Background
from .config import Loss, SandboxConfig
from .ids import Ids
from .logline import webhook_line
from .state import Json, Settings
from .times import iso
from .wire import jsonb_order, sign, stringify, to_bytes

# As the vendor's HTTP library sends them (experiments with that library).
_HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json, text/plain, */*",
    "User-Agent": "Metriport API",
    "Accept-Encoding": "gzip, compress, deflate, br",
}
_BODY_SECONDS = 30  # a slow body does not time out at the vendor; here it must end some time
_BODY_BYTES = 1 << 20
_NO_ADDRESS = "Missing webhook config"

Kind = Literal["first", "retry", "duplicate", "emit", "ping"]


@dataclass(kw_only=True)
class Delivery:
    """One attempt to send one body."""

    kind: Kind
    message_id: str | None
    type: str | None
    at: float
    url: str | None
    body: str
    signature: str | None
    status: int | None = None
    """HTTP status; as the vendor stores it, 504 for a timeout and 500 for no connection."""
    detail: str = "OK"
    answer: str = ""
    answered: bool = False
    ok: bool = False
    seconds: float = 0.0
    """Until the answer, or until it was given up."""


@dataclass(kw_only=True)
class WebhookRow:
    """A webhook as the vendor's table stores it, with the attempts made."""

    message_id: str
    type: str
    when: str
    request_id: str | None
    fields: Json
    metadata: Json | None
    status: Literal["processing", "success", "failure"] = "processing"
    deliveries: list[Delivery] = field(default_factory=list)

    def body(self) -> Json:
        """Return the body of the first delivery."""
        meta = self._meta()
        if self.metadata is not None:
            meta["data"] = self.metadata
        return {"meta": meta, **self.fields}

    def retry_body(self) -> Json:
        """Return the body of a retry: no `meta.data`, payload keys in storage order."""
        stored: Json = jsonb_order(self.fields)
        return {"meta": self._meta(), **stored}

    def _meta(self) -> Json:
        meta: Json = {"messageId": self.message_id}
        if self.request_id is not None:
            meta["requestId"] = self.request_id
        return meta | {"when": self.when, "type": self.type}


class Sender:
    """Sends webhooks to the account's address and keeps what came of it."""

    def __init__(
        self, *, config: SandboxConfig, settings: Settings, ids: Ids, background: Background
    ) -> None:
        self.rows: list[WebhookRow] = []
        self.deliveries: list[Delivery] = []
        self.loss: Loss = config.webhook_loss
        self.duplicate: bool = config.duplicate_webhooks
        self._config = config
        self._settings = settings
        self._ids = ids
        self._background = background
        self._http: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the HTTP client."""
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=None)
        jar = aiohttp.DummyCookieJar()
        self._http = aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=jar)

    async def close(self) -> None:
        """Close the HTTP client."""
        if self._http is not None:
            await self._http.close()

    def emit(
        self, type_: str, fields: Json, *, request_id: str | None, metadata: Json | None
    ) -> WebhookRow:
        """Store an event and send it, without waiting."""
        row = WebhookRow(
            message_id=self._ids.uuid4(),
            type=type_,
            when=iso(self._config.clock()),
            request_id=request_id,
            fields=fields,
            metadata=metadata,
        )
        self.rows.append(row)
        self._background.spawn(self._first(row), name=f"webhook {row.type}")
        return row

    def ping(self) -> None:
        """Send a ping, without waiting; it is neither stored nor counted (vendor code)."""
        self._background.spawn(self._ping(), name="webhook ping")

    def retry_failures(self) -> None:
        """Send every failure again: all of them, oldest first, one at a time."""
        rows = [row for row in self.rows if row.status == "failure"]
        for row in rows:
            row.status = "processing"
        self._background.spawn(self._retry(rows), name="webhook retry")

    async def send_again(self, row: WebhookRow) -> Delivery:
        """Send the bytes of the last delivery once more."""
        sent = row.deliveries[-1].body if row.deliveries else stringify(row.body())
        delivery = await self._send(sent.encode(), "duplicate")
        row.deliveries.append(delivery)
        return delivery

    async def send_raw(self, body: Json) -> Delivery:
        """Sign and send any body."""
        return await self._send(to_bytes(body), "emit")

    def counts(self) -> tuple[int, int]:
        """Return how many rows are processing and how many failed."""
        states = [row.status for row in self.rows]
        return states.count("processing"), states.count("failure")

    async def _first(self, row: WebhookRow) -> None:
        if self.loss == "silent":
            row.status = "success"
            self._report(row.body(), "first", "lost on purpose")
            return
        if (await self._attempt(row, row.body(), "first")) and self.duplicate:
            await self.send_again(row)

    async def _retry(self, rows: list[WebhookRow]) -> None:
        for row in rows:
            if await self._attempt(row, row.retry_body(), "retry"):
                pause = self._ids.fraction() * self._config.retry_pause_seconds
                await self._background.sleep(pause)

    async def _attempt(self, row: WebhookRow, body: Json, kind: Kind) -> bool:
        if self.loss == "failed":
            row.status = "failure"
            self._report(body, kind, "kept back on purpose")
            return False
        delivery = await self._send(to_bytes(body), kind)
        row.deliveries.append(delivery)
        row.status = "success" if delivery.ok else "failure"
        self._note(delivery)
        return delivery.ok

    async def _ping(self) -> None:
        ping = self._ids.nanoid()
        when = iso(self._config.clock())
        meta = {"messageId": self._ids.uuid4(), "when": when, "type": "ping"}
        delivery = await self._send(to_bytes({"ping": ping, "meta": meta}), "ping")
        if delivery.ok and _pong(delivery.answer) != ping:
            delivery.ok, delivery.detail = False, "Bad response from webhook call"
        self._note(delivery)

    def _note(self, delivery: Delivery) -> None:
        if delivery.url is not None:
            self._settings.webhook_enabled = delivery.ok
            self._settings.webhook_status_detail = delivery.detail

    async def _send(self, body: bytes, kind: Kind) -> Delivery:
        url, key = self._settings.webhook_url, self._settings.webhook_key
        delivery = _prepared(body, kind, at=self._config.clock())
        self.deliveries.append(delivery)
        if not url or not key:
            delivery.detail = _NO_ADDRESS
        else:
            delivery.url, delivery.signature = url, sign(key, body)
            await self._post(delivery, self._deadline(kind))
        self._report(json.loads(body), kind, _outcome(delivery))
        return delivery

    def _deadline(self, kind: Kind) -> float:
        config = self._config
        return config.ping_deadline_seconds if kind == "ping" else config.webhook_deadline_seconds

    async def _post(self, delivery: Delivery, deadline: float) -> None:
        began = time.monotonic()
        try:
            delivery.status, delivery.answer = await self._exchange(delivery, deadline)
        except TimeoutError:
            _failed(delivery, 504, f"timeout of {round(deadline * 1000)}ms exceeded (ETIMEDOUT)")
        except aiohttp.ClientError as error:
            _failed(delivery, 500, f"{type(error).__name__}")
        else:
            delivery.answered = True
            delivery.ok = 200 <= delivery.status < 300
            if not delivery.ok:
                message = f"Request failed with status code {delivery.status}"
                _failed(delivery, delivery.status, message)
        finally:
            delivery.seconds = time.monotonic() - began

    async def _exchange(self, delivery: Delivery, deadline: float) -> tuple[int, str]:
        assert self._http is not None, "the sandbox is not started"
        assert delivery.url is not None
        assert delivery.signature is not None
        headers = _HEADERS | {"x-metriport-signature": delivery.signature}
        async with asyncio.timeout(deadline):  # up to the response headers, not the body
            response = await self._http.post(
                delivery.url, data=delivery.body.encode(), headers=headers, allow_redirects=False
            )
        async with response:
            return response.status, await _body(response)

    def _report(self, body: Json, kind: Kind, outcome: str) -> None:
        if self._config.log is not None:
            self._config.log(webhook_line(self._config.clock(), body, kind, outcome))


def _prepared(body: bytes, kind: Kind, *, at: float) -> Delivery:
    meta = json.loads(body).get("meta")
    meta = meta if isinstance(meta, dict) else {}
    return Delivery(
        kind=kind,
        message_id=meta.get("messageId"),
        type=meta.get("type"),
        at=at,
        url=None,
        body=body.decode(),
        signature=None,
    )


async def _body(response: aiohttp.ClientResponse) -> str:
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            return (await response.read())[:_BODY_BYTES].decode("utf-8", "replace")
    except (aiohttp.ClientError, TimeoutError):
        return ""


def _failed(delivery: Delivery, status: int, message: str) -> None:
    delivery.status = status
    info = stringify({"url": delivery.url, "httpStatus": status, "httpMessage": message})
    delivery.detail = f"Failed to send payload ({info}); caused by {message}"


def _outcome(delivery: Delivery) -> str:
    if delivery.url is None:
        return "not sent: no address"
    verb = "answered" if delivery.answered else "no answer, stored as"
    return f"{verb} {delivery.status}"


def _pong(answer: str) -> Any:
    try:
        body = json.loads(answer)
    except ValueError:
        return None
    return body.get("pong") if isinstance(body, dict) else None
