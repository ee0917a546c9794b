"""The routes of the internal port."""

from typing import Any, Final

_SERVERS: Final[list[dict[str, Any]]] = [
    {
        "url": "http://{host}:{port}",
        "description": "The internal port; never to be reachable from outside the cluster.",
        "variables": {
            "host": {"default": "ias.example.com", "description": "The pod or its service."},
            "port": {"default": "9090", "description": "`INTERNAL_PORT` of the deployment."},
        },
    }
]

_TEXT: Final[dict[str, Any]] = {"text/plain": {"schema": {"type": "string"}}}
_JSON: Final[dict[str, Any]] = {"application/json": {"schema": {"type": "object"}}}


def _route(
    operation: str, summary: str, content: dict[str, Any], **others: dict[str, Any]
) -> dict[str, Any]:
    return {
        "servers": _SERVERS,
        "get": {
            "operationId": operation,
            "tags": ["internal"],
            "summary": summary,
            "responses": {
                "200": {"description": summary, "content": content},
                **{code.removeprefix("status_"): answer for code, answer in others.items()},
            },
        },
    }


INTERNAL_ROUTES: Final[dict[str, Any]] = {
    "/livez": _route("live", "The process runs.", _TEXT),
    "/readyz": _route(
        "ready",
        "The process can answer.",
        _TEXT,
        status_503={"description": "The process cannot answer now.", "content": _TEXT},
    ),
    "/metrics": _route("metrics", "Prometheus metrics.", _TEXT),
    "/openapi.json": _route("describe", "This document.", _JSON),
    "/status": _route("status", "What works and what does not, for operators.", _JSON),
}
"""Paths of the ``internal`` tag."""
