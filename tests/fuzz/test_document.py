"""The ingress against its own OpenAPI: what it answers is what the document says."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle
from typing import Any, Final
from uuid import uuid4

import pytest
import requests
import schemathesis
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from schemas.generate.files import FOLDER
from schemas.ids import OpenId
from service.crypto import tokens
from service.ias.browser import COOKIE_PURPOSE, Cookie, Opened
from tests.fuzz.profiles import examples
from tests.fuzz.server import Server
from tests.fuzz.wire import PATIENCE
from tests.ingress import vendor
from tests.ingress.opening import LINK_KEYS
from tests.ingress.running import WEBHOOK_PATH
from tests.ingress.steps import AAL2, IDENTITY, a_page, a_step, link

FILE: Final = FOLDER / "openapi.json"
EXAMPLES = examples(40)
FEW = examples(10)
STATE_ORDER: Final = ("waiting", "ready", "refused", "refused", "refused")
STATES: Final = cycle(STATE_ORDER)
REASONS: Final = cycle((None, None, None, "too_many_openings", "link_expired"))
PUBLIC: Final = {"webhooks", "browser"}
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def public_document() -> dict[str, Any]:
    """The paths of the public port."""
    document: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    document["paths"] = {
        path: item
        for path, item in document["paths"].items()
        if {tag for entry in item.values() if "tags" in entry for tag in entry["tags"]} <= PUBLIC
    }
    return document


DOCUMENTED: Final = [check for check in CHECKS if check is not not_a_server_error]
"""502 and 503 are answers of ours; 500 is documented nowhere."""

SCHEMA: Final = schemathesis.openapi.from_dict(public_document())


@dataclass(frozen=True)
class Caller:
    """Sends cases, with what only the vendor or a person's browser has if asked to."""

    server: Server
    session: requests.Session

    def send(self, case: Case[Any], **more: Any) -> Any:
        """The answer, whatever it is; redirects are not followed."""
        return case.call(
            base_url=self.server.url,
            session=self.session,
            timeout=PATIENCE,
            allow_redirects=False,
            **more,
        )

    def send_ours(self, case: Case[Any]) -> Any:
        """The case with a right signature, or a link and a cookie of ours."""
        if case.operation.path == WEBHOOK_PATH:
            return self.send(case, headers={vendor.SIGNATURE: self._signature(case)})
        step = a_step(IDENTITY if case.operation.path == "/callbacks/identity" else AAL2)
        if "token" in case.path_parameters:
            case.path_parameters["token"] = link(step).removeprefix("/go/")
        if "openId" in case.path_parameters:
            open_id = uuid4()
            case.path_parameters["openId"] = str(open_id)
            self.server.pages.rows = {open_id: a_page(step, open_id, next(STATES), next(REASONS))}
            case.query = {"again": ""}
        opened = Cookie((Opened(step, OpenId(uuid4()), datetime.now(UTC)),))
        cookie = tokens.issue(LINK_KEYS, COOKIE_PURPOSE, opened)
        return self.send(case, cookies={"__Host-ias": cookie})

    def _signature(self, case: Case[Any]) -> str:
        arguments = case.as_transport_kwargs(base_url=self.server.url)
        names = ("method", "url", "headers", "params", "data", "json", "files")
        request = requests.Request(**{name: arguments.get(name) for name in names})
        body = self.session.prepare_request(request).body or b""
        assert isinstance(body, str | bytes)
        return vendor.sign(body.encode() if isinstance(body, str) else body)


@pytest.fixture(scope="module")
def caller(server: Server) -> Iterator[Caller]:
    """Over one kept connection."""
    with requests.Session() as session:
        session.trust_env = False
        yield Caller(server, session)


@SCHEMA.parametrize()
@EXAMPLES
def test_what_is_made_up_from_the_document_is_answered_as_it_says(
    case: Case[Any], caller: Caller
) -> None:
    caller.server.keeper.fails = False
    case.validate_response(caller.send(case), checks=CHECKS)


@SCHEMA.parametrize()
@EXAMPLES
def test_signatures_links_and_cookies_of_ours_are_answered_as_it_says(
    case: Case[Any], caller: Caller
) -> None:
    caller.server.keeper.fails = False
    case.validate_response(caller.send_ours(case), checks=DOCUMENTED)


@SCHEMA.parametrize()
@FEW
def test_where_nothing_can_be_made_durable_it_is_answered_as_the_document_says(
    case: Case[Any], caller: Caller
) -> None:
    caller.server.keeper.fails = True
    case.validate_response(caller.send_ours(case), checks=DOCUMENTED)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", WEBHOOK_PATH, 200),
        ("GET", "/go/{token}", 200),
        ("POST", "/go/{token}", 303),
        ("GET", "/go/{token}/wait/{openId}", 303),
        ("GET", "/callbacks/aal2", 303),
        ("GET", "/callbacks/identity", 303),
    ],
)
def test_what_is_ours_is_accepted(caller: Caller, method: str, path: str, status: int) -> None:
    """Else the tests above would only ever see refusals."""
    caller.server.keeper.fails = False
    parameters = {name: "x" for name in ("token", "openId") if name in path}
    case = SCHEMA[path][method].Case(path_parameters=parameters)
    if path == WEBHOOK_PATH:
        case.body = {"meta": {"messageId": "m-1", "type": "ping"}, "ping": "x"}
        case.media_type = "application/json"
    for _ in STATE_ORDER:
        response = caller.send_ours(case)
        case.validate_response(response, checks=DOCUMENTED)
        if response.status_code == status:
            return
    pytest.fail(f"never {status}")


def test_a_document_that_says_otherwise_is_seen(caller: Caller) -> None:
    """The checks do check."""
    document = public_document()
    del document["paths"][WEBHOOK_PATH]["post"]["responses"]["401"]
    case = schemathesis.openapi.from_dict(document)[WEBHOOK_PATH]["POST"].Case(body={})
    with pytest.raises(FailureGroup, match="Undocumented status code"):
        case.validate_response(caller.send(case), checks=CHECKS)
