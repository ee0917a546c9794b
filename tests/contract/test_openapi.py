from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from .documents import follow, openapi, values_of

PUBLIC = {
    ("post", "/webhooks/metriport"),
    ("get", "/go/{token}"),
    ("post", "/go/{token}"),
    ("get", "/go/{token}/wait/{openId}"),
    ("get", "/callbacks/aal2"),
    ("get", "/callbacks/identity"),
}
INTERNAL = {
    ("get", f"/{name}") for name in ("livez", "readyz", "metrics", "openapi.json", "status")
}


@pytest.fixture(name="document")
def _document() -> Any:
    return openapi()


def test_the_document_is_valid_openapi(document: Any) -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_a_planted_error_is_seen(document: Any) -> None:
    document["paths"]["/livez"]["get"]["responses"]["200"].pop("description")
    assert list(OpenAPIV31SpecValidator(document).iter_errors())


def test_every_reference_leads_somewhere(document: Any) -> None:
    assert all(follow(document, reference) for reference in values_of(document, "$ref"))


def test_it_lists_the_routes_and_no_other(document: Any) -> None:
    listed = {
        (method, path)
        for path, item in document["paths"].items()
        for method in item
        if method in {"get", "post", "put", "delete", "patch"}
    }
    assert listed == PUBLIC | INTERNAL


def test_internal_routes_name_a_server_of_their_own(document: Any) -> None:
    own = {path for path, item in document["paths"].items() if "servers" in item}
    assert own == {path for _, path in INTERNAL}


def test_hosts_are_variables_with_examples_as_defaults(document: Any) -> None:
    for host in values_of(document["servers"] + document["paths"]["/livez"]["servers"], "url"):
        assert host.removeprefix("http://").startswith("{")
    for default in values_of([document["servers"]], "default"):
        assert default.endswith("example.com")


def test_the_webhook_route_says_how_it_is_signed_and_how_it_refuses(document: Any) -> None:
    route = document["paths"]["/webhooks/metriport"]["post"]
    (signature,) = route["parameters"]
    assert signature["schema"]["pattern"] == "^[0-9a-f]{64}$"
    assert set(route["responses"]) == {"200", "400", "401", "408", "413", "415", "417", "503"}
    assert "content" not in route["responses"]["401"]
