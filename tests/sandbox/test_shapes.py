"""The recorded samples say which keys come in which order: the sandbox must agree."""

import json
from pathlib import Path
from typing import Any

from .conftest import Receiver, Start
from .driver import Driver

_SAMPLES = Path(__file__).parent.parent / "samples" / "metriport"


def _shape(value: Any) -> Any:
    """Keys in order and kinds of values, without the values."""
    if isinstance(value, dict):
        return [(key, _shape(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [_shape(value[0])] if value else []
    return type(value).__name__


def _sample(name: str) -> Any:
    return json.loads((_SAMPLES / f"{name}.json").read_text())


def _response(name: str) -> Any:
    return _sample(name)["response"]["body"]


async def _walk(api: Driver) -> tuple[str, str, str]:
    patient_id = await api.patient()
    identity_id, secret = await api.identity(patient_id)
    return patient_id, identity_id, await api.pass_challenge(identity_id, secret)


async def test_answers_have_the_samples_shapes(api: Driver) -> None:
    patient = await api.create()
    session = await api.identity_session(patient.body["id"])
    _, identity_id, aal2 = await _walk(api)
    challenge = await api.challenge(identity_id)
    refused = await api.ias_query(patient.body["id"], identity_id, None)
    query = await api.ias_query(patient.body["id"], identity_id, aal2)
    path = f"/medical/v1/patient/{patient.body['id']}/consolidated/query"
    consolidated = await api.post(path, {}, params={"conversionType": "json"})
    listed = await api.get(path)

    for answer, name in (
        (patient, "api.create-patient.response.201"),
        (session, "api.create-identity-session.response"),
        (challenge, "api.create-aal2-challenge.response.totp"),
        (refused, "error.403.aal2-session-invalid.assumed"),
        (query, "api.start-network-query.response.all-started"),
        (consolidated, "api.start-consolidated-query.response"),
        (listed, "api.get-consolidated-query.list.response"),
        (await api.get("/settings"), "api.settings.get.response"),
        (await api.get("/settings/webhook"), "api.settings.webhook-status.response.ok"),
        (await api.get("/medical/v1/patient/x"), "error.404.resource"),
    ):
        assert _shape(answer.body) == _shape(_response(name)), name


async def test_webhooks_have_the_samples_shapes(api: Driver, receiver: Receiver) -> None:
    patient_id, identity_id, aal2 = await _walk(api)
    metadata = {"appUserId": "u", "flow": "ias"}
    await api.ias_query(patient_id, identity_id, aal2, metadata=metadata)
    await api.idle()
    for type_, name in (
        ("network-query.hie", "webhook.network-query.hie.completed"),
        ("network-query.hie.first-data-ready", "webhook.network-query.hie.first-data-ready"),
        ("network-query.pharmacy", "webhook.network-query.pharmacy.completed"),
        ("network-query.lab", "webhook.network-query.lab.completed"),
    ):
        (webhook,) = receiver.of(type_)
        assert _shape(webhook.body) == _shape(_sample(name)), name


async def test_both_shapes_of_the_identity_webhook_are_the_samples(
    start: Start, receiver: Receiver
) -> None:
    for shape, name in (("payload", "variant-a-payload"), ("toplevel", "variant-b-toplevel")):
        api = await start(identity_webhook=shape)
        await api.prove_identity(await api.patient())
        await api.idle()
        sample = _sample(f"webhook.ias.identity.verified.{name}")
        del sample["meta"]["data"]["appUserId"]
        assert _shape(receiver.received[-1].body) == _shape(sample)


async def test_consolidated_webhooks_have_the_samples_shapes(
    api: Driver, receiver: Receiver
) -> None:
    patient_id = await api.patient()
    path = f"/medical/v1/patient/{patient_id}/consolidated/query"
    body = {"metadata": {"appUserId": "u", "flow": "ias"}}
    await api.post(path, body, params={"conversionType": "json"})
    await api.idle()
    await api.query(patient_id, {"sources": ["hie"]})
    await api.idle()
    dates = {"dateFrom": "2024-01-01", "conversionType": "pdf", "resources": "Observation"}
    await api.post(path, body, params=dates)
    await api.idle()
    empty, pdf = receiver.of("medical.consolidated-data")

    assert _shape(empty.body) == _shape(_sample("webhook.medical.consolidated-data.empty-bundle"))
    assert _shape(pdf.body) == _shape(_sample("webhook.medical.consolidated-data.pdf"))


async def test_the_wrapper_and_the_identity_redirect_have_second_readings(
    start: Start, receiver: Receiver
) -> None:
    api = await start(bundle_type="collection", identity_redirect_parameters=True)
    patient_id = await api.patient(firstName="Kyla")
    _, led_to = await api.prove_identity(patient_id)
    await api.query(patient_id, {"sources": ["hie"]})
    await api.idle()
    path = f"/medical/v1/patient/{patient_id}/consolidated/query"
    await api.post(path, {}, params={"conversionType": "json"})
    await api.idle()
    (webhook,) = receiver.of("medical.consolidated-data")
    bundle = webhook.body["patients"][0]["bundle"]
    url = bundle["entry"][0]["resource"]["content"][0]["attachment"]["url"]

    assert led_to.endswith("&status=completed")
    assert bundle["type"] == "collection"
    assert "Essential hypertension" in (await api.get(url)).text
