"""Every page of ours on a small server, with our headers: a new text is in it by itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from schemas.events import StepKind
from service.ingress import pages
from service.ingress.responses import page

TEXTS: Final = {
    name.lower(): text for name, text in vars(pages).items() if isinstance(text, pages.Text)
}
STEPS: Final = {f"step_{kind}": pages.STEP[kind] for kind in StepKind}
PAGES: Final = {
    name: pages.message(text) for name, text in TEXTS.items() if text is not pages.WAITING
} | {name: pages.button(text, "Continue to Metriport", f"/{name}") for name, text in STEPS.items()}
WAITING: Final = "waiting"
NAMES: Final = (*STEPS, WAITING, *sorted(PAGES.keys() - STEPS.keys()))
_LONG: Final = 3600


@asynccontextmanager
async def gallery() -> AsyncIterator[str]:
    """Serve the pages; the origin."""
    app = web.Application()
    app.router.add_route("*", "/{name}", _show)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _show(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name == WAITING:  # held still, to be looked at
        return page(pages.waiting("/waiting").replace('content="1;', f'content="{_LONG};'))
    return page(PAGES[name])
