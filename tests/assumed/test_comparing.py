"""What differs from an assumption is found and named; what is documented is none."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from service.assumed import expected
from service.assumed.comparing import Difference, Origin, Seen, compare
from service.assumed.shapes import content_type_of, key_of, shape_of, shape_of_bytes, shape_of_names

SAMPLES = Path(__file__).parents[1] / "samples" / "metriport"
ANSWERS = {
    "create_identity_session": ("api.create-identity-session.response",),
    "create_aal2_challenge": (
        "api.create-aal2-challenge.response.totp",
        "api.create-aal2-challenge.response.webauthn",
    ),
    "start_network_query": (
        "api.start-network-query.response.all-started",
        "api.start-network-query.response.all-failed",
        "api.start-network-query.response.partial-errors",
    ),
    "get_network_query": (
        "api.get-network-query.response.partial",
        "api.get-network-query.response.processing",
    ),
    "start_consolidated_query": ("api.start-consolidated-query.response",),
    "get_consolidated_query": ("api.get-consolidated-query.single.response",),
    "probe_key": ("api.settings.get.response", "api.settings.get.response.unset"),
}


def body_of(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def webhook(body: Any, kind: str | None = None) -> list[Difference]:
    name = kind or body["meta"]["type"]
    return list(compare(Seen(Origin.WEBHOOK, name, shape=dict(shape_of(body)))))


def answer(
    operation: str, status: int, body: bytes, kind: str = "application/json"
) -> list[Difference]:
    shape = dict(shape_of_bytes(body))
    return list(compare(Seen(Origin.ANSWER, operation, status, content_type_of(kind), shape)))


def identity() -> Any:
    return copy.deepcopy(body_of("webhook.ias.identity.verified.variant-a-payload"))


def said(differences: list[Difference]) -> list[tuple[str, str, str]]:
    return [(one.assumption, one.path, one.found) for one in differences]


@pytest.mark.parametrize(
    "name",
    sorted(
        path.stem
        for path in SAMPLES.glob("webhook.*.json")
        if "variant-b" not in path.stem and "expected-reply" not in path.stem
    ),
)
def test_a_documented_webhook_differs_in_nothing(name: str) -> None:
    body = body_of(name)
    kind = body["meta"]["type"]
    if name != "webhook.unknown-type":
        assert webhook(body, kind) == []


@pytest.mark.parametrize(
    ("operation", "name"), [(one, name) for one, names in ANSWERS.items() for name in names]
)
def test_a_documented_answer_differs_in_nothing(operation: str, name: str) -> None:
    response = body_of(name)["response"]
    assert answer(operation, response["status"], json.dumps(response["body"]).encode()) == []


@pytest.mark.parametrize("name", sorted(path.stem for path in SAMPLES.glob("error.*.json")))
def test_a_documented_error_differs_in_nothing(name: str) -> None:
    response = body_of(name)["response"]
    body = json.dumps(response["body"]) if "body" in response else response["bodyText"]
    kind = response["headers"]["content-type"]
    assert answer("get_patient", response["status"], body.encode(), kind) == []


def test_an_identity_at_the_top_level_is_told_field_by_field() -> None:
    body = body_of("webhook.ias.identity.verified.variant-b-toplevel")
    found = said(webhook(body))
    assert ("A01", "$.payload", "missing") in found
    assert ("A01", "$.proofedIdentityId", "text") in found
    assert ("A02", "$.patientId", "uuid") in found
    assert ("A01", "$.payload.proofedIdentityId", "missing") not in found, "told with its parent"


def test_a_missing_patient_is_about_its_own_assumption() -> None:
    body = identity()
    del body["payload"]["patientId"]
    assert said(webhook(body)) == [("A02", "$.payload.patientId", "missing")]


def test_a_field_that_nobody_expected_is_told_once_and_not_for_all_below_it() -> None:
    body = identity()
    body["payload"]["evidence"] = {"method": {"type": "document"}, "level": 2}
    assert said(webhook(body)) == [("A01", "$.payload.evidence", "object")]


def test_another_type_of_a_field_is_told() -> None:
    body = identity()
    body["payload"]["verifiedAt"] = 1780000000
    assert said(webhook(body)) == [("A01", "$.payload.verifiedAt", "number")]


def test_a_status_that_is_no_word_we_know_is_told_without_the_word() -> None:
    body = identity()
    body["payload"]["status"] = "enrolled-elsewhere"
    (found,) = webhook(body)
    assert (found.path, found.wanted, found.found) == ("$.payload.status", "term", "text")


def test_whatever_our_metadata_holds_is_no_difference() -> None:
    body = identity()
    body["meta"]["data"] = {"anything": {"at": ["all"]}}
    assert webhook(body) == []


def test_a_type_that_is_not_documented_is_told() -> None:
    assert said(webhook(body_of("webhook.unknown-type"), "other")) == [("A21", "$", "another type")]


def test_a_session_that_is_refused_with_another_status_is_told() -> None:
    envelope = b'{"status":419,"title":"SessionError","detail":"expired","name":"Expired"}'
    assert said(answer("start_network_query", 419, envelope)) == [("A08", "$", "419")]
    assert answer("start_network_query", 401, envelope) == []


def test_an_error_of_another_shape_is_told() -> None:
    assert said(answer("create_identity_session", 400, b'{"errors":[{"code":"E1"}]}')) == [
        ("A17", "$.errors", "array")
    ]
    assert said(answer("create_identity_session", 400, b"<html>", "text/html")) == [
        ("A17", "$", "text/html with 400")
    ]


def test_an_answer_that_is_no_json_is_told_once() -> None:
    assert said(answer("create_identity_session", 200, b"OK", "text/plain")) == [
        ("A04", "$", "not-json")
    ]


@pytest.mark.parametrize(
    ("route", "names", "wanted"),
    [
        ("aal2", ["aal2SessionId", "status"], []),
        ("aal2", ["sessionId", "status"], [("A06", "$.aal2SessionId"), ("A06", "$.sessionId")]),
        ("identity", [], []),
        ("identity", ["status"], [("A05", "$.status")]),
    ],
)
def test_redirects_are_held_against_the_names_that_are_assumed(
    route: str, names: list[str], wanted: list[tuple[str, str]]
) -> None:
    shape = dict(shape_of_names(names))
    found = compare(Seen(Origin.REDIRECT, route, shape=shape))
    assert [(one.assumption, one.path) for one in found] == wanted


def test_every_expected_field_has_a_name_that_a_shape_can_show() -> None:
    tables = (expected.WEBHOOKS, expected.REDIRECTS, expected.ANSWERS)
    wanted = [one for table in tables for one in table.values()] + [expected.ENVELOPE]
    names = {
        name
        for one in wanted
        for path in (*one.required, *one.optional)
        for name in path.replace("[]", "").split(".")
    }
    assert [name for name in names - {"$", "**"} if key_of(name) != name] == []
