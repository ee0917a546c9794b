"""(a) The least that aiohttp can do: read the body, answer 200. ``python -m tests.bench.bare PORT``."""

import sys

from aiohttp import web

from tests.bench.wire import PATH


async def receive(request: web.Request) -> web.Response:
    """Read and answer."""
    await request.read()
    return web.Response(body=b"{}", content_type="application/json")


def main() -> None:
    """Serve until SIGTERM, on asyncio's own event loop."""
    app = web.Application()
    app.router.add_post(PATH, receive)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)


if __name__ == "__main__":
    main()
