"""The vendor's several shapes of an error, and answers in its JSON.

An error from the application is an envelope with the keys `status, title, detail, name` in
this order; `name` is the plain reason phrase and `additionalInfo` may follow (vendor code).
The gateway in front of it, and a few old routes, answer `{"message": ...}` instead.
"""

from http import HTTPStatus
from typing import Any

from aiohttp import web

from .wire import stringify


def json_answer(value: Any, *, status: int = 200) -> web.Response:
    """Answer as Express does: `application/json; charset=utf-8`."""
    return web.Response(
        status=status, text=stringify(value), content_type="application/json", charset="utf-8"
    )


class ApiError(Exception):
    """A refusal; it knows the answer it becomes."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body

    def response(self) -> web.Response:
        """Return the answer."""
        return json_answer(self.body, status=self.status)


class GatewayError(ApiError):
    """A refusal by the API gateway: no charset, and its error type in a header."""

    def __init__(self, status: int, message: str, error_type: str) -> None:
        super().__init__(status, {"message": message})
        self.error_type = error_type

    def response(self) -> web.Response:
        """Return the answer."""
        return web.Response(
            status=self.status,
            body=stringify(self.body).encode(),
            headers={"Content-Type": "application/json", "x-amzn-errortype": self.error_type},
        )


def envelope(status: int, title: str, detail: str, info: dict[str, Any] | None = None) -> ApiError:
    """Return an error in the application's envelope."""
    name = HTTPStatus(status).phrase
    body: dict[str, Any] = {"status": status, "title": title, "detail": detail, "name": name}
    if info:
        body["additionalInfo"] = info
    return ApiError(status, body)


def bad_request(detail: str) -> ApiError:
    """Return 400 `BadRequestError`."""
    return envelope(400, "BadRequestError", detail)


def not_found(detail: str, **info: str) -> ApiError:
    """Return 404 `NotFoundError`."""
    return envelope(404, "NotFoundError", detail, info)


def forbidden(detail: str) -> ApiError:
    """Return 403 `ForbiddenError`."""
    return envelope(403, "ForbiddenError", detail)


def opted_out() -> ApiError:
    """Return the refusal for a patient who left the networks (published vendor package)."""
    return envelope(400, "PatientOptedOutError", "Patient has opted out from the networks")


def internal() -> ApiError:
    """Return 500 as the vendor words it."""
    detail = "Please try again or reach out to support@metriport.com"
    return envelope(500, "InternalServerError", detail)
