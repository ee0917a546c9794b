"""The route for Metriport."""

from typing import Any, Final

_BODY: Final[dict[str, Any]] = {
    "description": "Any JSON that Metriport sends, up to 32 MiB; the signature covers its raw bytes.",
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "anyOf": [
                    {"$ref": f"#/components/schemas/{name}"}
                    for name in ("Ping", "IdentityVerified", "NetworkQuery", "ConsolidatedData")
                ]
                + [{"$ref": "#/components/schemas/HasMeta"}]
            },
            "examples": {
                "ping": {
                    "value": {
                        "ping": "any-text",
                        "meta": {
                            "messageId": "018f5d3c-eeee-7000-8000-000000000001",
                            "when": "2026-03-02T09:00:00.000Z",
                            "type": "ping",
                        },
                    }
                }
            },
        }
    },
}

_SIGNATURE: Final[dict[str, Any]] = {
    "name": "x-metriport-signature",
    "in": "header",
    "required": True,
    "description": "Lower-case hex HMAC-SHA256 over the raw body with the webhook key.",
    "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
}

_ANSWERS: Final[dict[str, Any]] = {
    "200": {
        "description": "The webhook is durable here, or it was a ping.",
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/WebhookAnswer"},
                "examples": {"ping": {"value": {"pong": "any-text"}}, "other": {"value": {}}},
            }
        },
    },
    "400": {"description": "The body broke off, or is not framed as HTTP says."},
    "401": {"description": "Not signed, or not by Metriport. The body is empty."},
    "408": {"description": "The body was not complete within a second."},
    "413": {"description": "The body is larger than 32 MiB."},
    "415": {
        "description": "The body has a `Content-Encoding`; the signature covers it as received."
    },
    "417": {"description": "`Expect` says something else than `100-continue`."},
    "503": {"description": "It could not be made durable, or there is too much at once."},
}

WEBHOOK_ROUTES: Final[dict[str, Any]] = {
    "/webhooks/metriport": {
        "post": {
            "operationId": "receiveWebhook",
            "tags": ["webhooks"],
            "summary": "Take a webhook of Metriport",
            "description": "Types and fields that are not known pass untouched. "
            "What is authentic but not understood is answered 200 and kept for operators.",
            "parameters": [_SIGNATURE],
            "requestBody": _BODY,
            "responses": _ANSWERS,
        }
    }
}
"""Paths of the ``webhooks`` tag."""
