"""The routes for the person's browser."""

from typing import Any, Final

_PAGE: Final[dict[str, Any]] = {"text/html": {"schema": {"type": "string"}}}


def _a_page(says: str) -> dict[str, Any]:
    return {"description": f"A page: {says}", "content": _PAGE}


_NO_LINK: Final = _a_page("the link is not one of ours.")
_EXPIRED: Final = _a_page("the link has expired.")
_UNAVAILABLE: Final = _a_page(
    "nothing could be made durable, and the person may try again. Without a page: too many requests "
    "at once."
)
_BUSY: Final[dict[str, Any]] = {"description": "Too many requests at once. The body is empty."}


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
            "410": _EXPIRED,
            "503": _BUSY,
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
            "410": _EXPIRED,
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
            "400": _a_page("this browser keeps no cookie, and could not be recognised later."),
            "404": _NO_LINK,
            "410": _EXPIRED,
            "429": _a_page("the link was opened too often within an hour."),
            "502": _a_page("Metriport could not prepare its page."),
            "503": _BUSY,
        },
    },
}


def _callback(
    operation: str, summary: str, parameters: list[dict[str, Any]], unavailable: dict[str, Any]
) -> dict[str, Any]:
    return {
        "get": {
            "operationId": operation,
            "tags": ["browser"],
            "summary": summary,
            "description": "Anything else in the query is ignored; no part of it is logged.",
            "parameters": parameters,
            "responses": {
                "303": _redirect("To the application's `returnUrl`."),
                "400": _a_page("this browser has no pending step that fits."),
                "409": _a_page("steps of different people are pending in this browser."),
                "503": unavailable,
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
        _UNAVAILABLE,
    ),
    "/callbacks/identity": _callback(
        "returnFromIdentity", "Come back from identity verification", [], _BUSY
    ),
}
"""Paths of the ``browser`` tag."""
