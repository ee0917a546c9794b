"""The routes for the person's browser."""

from typing import Any, Final

_PAGE: Final[dict[str, Any]] = {"text/html": {"schema": {"type": "string"}}}

_NO_LINK: Final[dict[str, Any]] = {
    "description": "A page: the link is not one of ours, or has expired.",
    "content": _PAGE,
}

_UNAVAILABLE: Final[dict[str, Any]] = {
    "description": "A page: nothing could be made durable; the person may try again.",
    "content": _PAGE,
}


def _path_parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
    }


def _query_parameter(name: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": {"type": "string"},
    }


def _redirect(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "headers": {
            "Location": {"required": True, "schema": {"type": "string", "format": "uri-reference"}}
        },
    }


_TOKEN: Final = _path_parameter(
    "token", "Names one hosted step; opaque.", {"type": "string", "minLength": 1}
)
_OPENING: Final = _path_parameter(
    "openId", "Names one press of the button.", {"type": "string", "format": "uuid"}
)

_COOKIE: Final[dict[str, Any]] = {
    "Set-Cookie": {
        "description": "`__Host-` cookie (Secure, HttpOnly, SameSite=Lax): the pending challenges.",
        "schema": {"type": "string"},
    }
}

_LINK: Final[dict[str, Any]] = {
    "parameters": [_TOKEN],
    "get": {
        "operationId": "showLink",
        "tags": ["browser"],
        "summary": "Show a page with one button",
        "description": "Has no effect, because mail and chat programs open links by themselves.",
        "responses": {
            "200": {"description": "The page.", "content": _PAGE},
            "404": _NO_LINK,
        },
    },
    "post": {
        "operationId": "openLink",
        "tags": ["browser"],
        "summary": "Ask for a fresh hosted page",
        "responses": {
            "303": {
                **_redirect("To the waiting page."),
                "headers": {**_redirect("")["headers"], **_COOKIE},
            },
            "404": _NO_LINK,
            "503": _UNAVAILABLE,
        },
    },
}

_WAIT: Final[dict[str, Any]] = {
    "parameters": [_TOKEN, _OPENING],
    "get": {
        "operationId": "awaitHostedPage",
        "tags": ["browser"],
        "summary": "Wait for the hosted page, then go there",
        "responses": {
            "200": {"description": "A page that asks again by itself.", "content": _PAGE},
            "303": _redirect("To Metriport's hosted page."),
            "404": _NO_LINK,
        },
    },
}


def _callback(operation: str, summary: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "get": {
            "operationId": operation,
            "tags": ["browser"],
            "summary": summary,
            "description": "Anything else in the query is ignored; no part of it is logged.",
            "parameters": parameters,
            "responses": {
                "303": _redirect("To the application's `returnUrl`."),
                "400": {
                    "description": "A page: this browser has no pending step that fits.",
                    "content": _PAGE,
                },
                "503": _UNAVAILABLE,
            },
        }
    }


BROWSER_ROUTES: Final[dict[str, Any]] = {
    "/go/{token}": _LINK,
    "/go/{token}/wait/{openId}": _WAIT,
    "/callbacks/aal2": _callback(
        "returnFromAal2",
        "Come back from the multifactor challenge",
        [
            _query_parameter("aal2SessionId", "Metriport's session id; taken off the URL."),
            _query_parameter("status", "Anything but `verified` is not verified."),
        ],
    ),
    "/callbacks/identity": _callback(
        "returnFromIdentity", "Come back from identity verification", []
    ),
}
"""Paths of the ``browser`` tag."""
