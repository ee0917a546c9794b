"""Puts one sandbox together: kernel, middlewares, routes, life cycle."""

from collections.abc import AsyncIterator

from aiohttp import web

from .config import SandboxConfig
from .kernel import Sandbox, build_kernel
from .middleware import Chain
from .routes import all_routes

BODY_LIMIT = 20 * 1024 * 1024  # the application's limit (vendor code)

SANDBOX: web.AppKey[Sandbox] = web.AppKey("sandbox", Sandbox)


def create_sandbox(config: SandboxConfig | None = None) -> Sandbox:
    """Return a sandbox; serve its `app` with aiohttp, or pytest-aiohttp's `aiohttp_server`."""
    app = web.Application(client_max_size=BODY_LIMIT)
    sandbox = build_kernel(config or SandboxConfig(), app)
    app[SANDBOX] = sandbox
    app.middlewares.extend(Chain(sandbox).middlewares())
    app.add_routes(all_routes(sandbox))
    app.cleanup_ctx.append(_life)
    app.on_shutdown.append(_let_go)
    return sandbox


async def _life(app: web.Application) -> AsyncIterator[None]:
    sandbox = app[SANDBOX]
    await sandbox.sender.open()
    yield
    await sandbox.background.close()
    await sandbox.sender.close()


async def _let_go(app: web.Application) -> None:
    app[SANDBOX].background.stop_holding()
