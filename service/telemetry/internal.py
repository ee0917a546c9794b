"""The internal port of every process: probes and metrics, for the cluster alone."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

Readiness = Callable[[], Mapping[str, bool]]

_JSON: Final = "application/json"


def internal_app(readiness: Readiness, openapi: Path | None = None) -> web.Application:
    """``/livez`` says that the process runs, ``/readyz`` that it can do its work, part by part."""
    app = web.Application()

    async def livez(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def readyz(_: web.Request) -> web.Response:
        parts = readiness()
        return web.Response(
            body=msgspec.json.encode(parts),
            content_type=_JSON,
            status=200 if all(parts.values()) else 503,
        )

    async def status(_: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(readiness()), content_type=_JSON)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})

    app.add_routes(
        [
            web.get("/livez", livez),
            web.get("/readyz", readyz),
            web.get("/status", status),
            web.get("/metrics", metrics),
        ]
    )
    if openapi is not None:
        document = openapi.read_bytes()

        async def describe(_: web.Request) -> web.Response:
            return web.Response(body=document, content_type=_JSON)

        app.add_routes([web.get("/openapi.json", describe)])
    return app
