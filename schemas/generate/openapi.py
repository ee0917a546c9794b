"""``openapi.json``: the HTTP routes of the ingress (OpenAPI 3.1.0)."""

from typing import Any, Final

from ..metriport import webhooks as w  # noqa: TID252 - `schemas` is published alone: its imports stay relative
from .components import Schema, components
from .routes_browser import BROWSER_ROUTES
from .routes_internal import INTERNAL_ROUTES
from .routes_webhook import WEBHOOK_ROUTES

_DESCRIPTION: Final = """\
What the ingress answers. The public port takes Metriport's webhooks and the browsers of persons; \
the internal port is for probes, metrics and operators and stays inside the cluster.

Services do not use these routes: they talk to the gateway over Kafka, see `asyncapi.json`."""

_SERVERS: Final[list[dict[str, Any]]] = [
    {
        "url": "{publicUrl}",
        "description": "The public port.",
        "variables": {
            "publicUrl": {
                "default": "https://ias.example.com",
                "description": "`PUBLIC_URL` of the deployment.",
            }
        },
    }
]

_TAGS: Final[list[dict[str, str]]] = [
    {"name": "webhooks", "description": "For Metriport."},
    {"name": "browser", "description": "Pages and redirects for the person."},
    {"name": "internal", "description": "For the cluster; a port of its own."},
]

_PONG: Final[Schema] = {
    "title": "WebhookAnswer",
    "description": "`pong` repeats the text of a ping; the answer to anything else is empty.",
    "type": "object",
    "properties": {"pong": {"type": "string"}},
    "additionalProperties": False,
}


def openapi() -> dict[str, Any]:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "IAS gateway: ingress",
            "version": "1.0.0",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": _SERVERS,
        "tags": _TAGS,
        "paths": {**WEBHOOK_ROUTES, **BROWSER_ROUTES, **INTERNAL_ROUTES},
        "components": {"schemas": _schemas()},
    }


def _schemas() -> dict[str, Schema]:
    bodies = components(
        (w.Ping, w.IdentityVerified, w.NetworkQuery, w.ConsolidatedData, w.HasMeta),
        "#/components/schemas/{name}",
    )
    return dict(sorted({**bodies, "WebhookAnswer": _PONG}.items()))
