"""A server in the place of the ingress, that answers as a test says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from tests.stack.ports import free_port


@asynccontextmanager
async def answering(
    statuses: list[int], *, port: int | None = None, path: str = "/{any}"
) -> AsyncIterator[int]:
    """A server that gives these answers, and 200 after them."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=statuses.pop(0) if statuses else 200)

    app, port = web.Application(), port or free_port()
    app.router.add_post(path, answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield port
    finally:
        await runner.cleanup()
