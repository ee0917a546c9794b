"""(d) The least that is durable: read, verify, send to the broker, answer. No limit, no spool, no key.

What (c) costs beside it is what our promises cost; what it costs beside (a) is aiokafka.
``python -m tests.bench.least PORT BOOTSTRAP_SERVERS TOPIC``; the webhook key is in ``WEBHOOK_KEY``.
"""

import hashlib
import hmac
import os
import sys
from collections.abc import AsyncIterator

from aiohttp import web
from aiokafka import AIOKafkaProducer

from tests.bench.wire import PATH

KEY = os.environ.get("WEBHOOK_KEY", "").encode()
PRODUCER = web.AppKey("producer", AIOKafkaProducer)
ID = slice(22, 58)
"""Where the message id stands in the bench's bodies: a key that spreads over partitions, for nothing."""


async def receive(request: web.Request) -> web.Response:
    """Verify and send."""
    body = await request.read()
    made = hmac.digest(KEY, body, hashlib.sha256).hex()
    if not hmac.compare_digest(made, request.headers.get("x-metriport-signature", "")):
        return web.Response(status=401)
    await request.app[PRODUCER].send_and_wait(sys.argv[3], body, body[ID])
    return web.Response(body=b"{}", content_type="application/json")


async def _connected(app: web.Application) -> AsyncIterator[None]:
    app[PRODUCER] = AIOKafkaProducer(bootstrap_servers=sys.argv[2], acks="all")
    await app[PRODUCER].start()
    yield
    await app[PRODUCER].stop()


def main() -> None:
    """Serve until SIGTERM, on asyncio's own event loop."""
    app = web.Application()
    app.cleanup_ctx.append(_connected)
    app.router.add_post(PATH, receive)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)


if __name__ == "__main__":
    main()
