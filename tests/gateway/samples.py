"""The vendor's recorded requests and answers, as the gateway makes and meets them."""

import json
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from service.gateway.outcome import VendorResponse
from service.gateway.protocol import VendorRequest

SAMPLES = Path(__file__).parents[1] / "samples" / "metriport"
ERRORS = sorted(path.stem for path in SAMPLES.glob("error.*.json"))


class Sent(NamedTuple):
    """A request by what the vendor sees of it; the account's key is the client's part."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


def recorded(name: str, **changes: Any) -> Sent:
    """The recorded request, with fields of its body replaced; ``None`` takes a field away."""
    request = _load(f"api.{name}.request")["request"]
    headers = {key: value for key, value in request["headers"].items() if key != "x-api-key"}
    body = {key: value for key, value in {**request["body"], **changes}.items() if value}
    path = urlsplit(request["url"]).path
    return Sent(request["method"], path, request.get("query", {}), headers, body)


def sent(request: VendorRequest) -> Sent:
    """The same of a request of ours."""
    pairs = parse_qsl(request.query, keep_blank_values=True, strict_parsing=bool(request.query))
    assert len(dict(pairs)) == len(pairs), "a parameter twice"
    body = None if request.body is None else json.loads(request.body)
    return Sent(request.method, request.path, dict(pairs), request.headers, body)


def response(name: str) -> VendorResponse:
    """A recorded answer, its headers as the client hands them on."""
    recorded_response = _load(name)["response"]
    raw = recorded_response.get("bodyText")
    body = json.dumps(recorded_response["body"]) if raw is None else raw
    return VendorResponse(
        status=recorded_response["status"],
        headers=recorded_response["headers"],
        body=body.encode(),
    )


def _load(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
