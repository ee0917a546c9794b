"""Every webhook body that the vendor is known to send is accepted and ends where it should (I1, I6)."""

from typing import NamedTuple

import pytest

from consumers.reading import Webhook
from tests.ingress import vendor
from tests.ingress.opening import as_consumers_read, opened
from tests.ingress.running import Ingress
from tests.ingress.tap import Tap
from tests.ingress.vendor import PATIENT, SAMPLES

IMPORT = "0199b900-aaaa-7bbb-8ccc-ddddeeeeffff"
REPLY = "webhook.ping.expected-reply.json"


class Expected(NamedTuple):
    """Where a sample ends: its id, its key, and whether it is sealed."""

    message_id: str
    type: str
    key: str
    sealed: bool = False


EXPECTED = {
    # the patient in `payload`, sealed: names an identity
    "ias.identity.verified.variant-a-payload": Expected(
        "7f6de1ce-92c0-4d33-8d1f-8f14a3a9c0a1", "ias.identity.verified", PATIENT, sealed=True
    ),
    # the patient at the top level
    "ias.identity.verified.variant-b-toplevel": Expected(
        "7f6de1ce-92c0-4d33-8d1f-8f14a3a9c0a1", "ias.identity.verified", PATIENT, sealed=True
    ),
    # no patient: keyed by the request
    "medical.bulk-patient-create.processing": Expected(
        "bc000000-5555-4aaa-8bbb-000000000001", "medical.bulk-patient-create", IMPORT
    ),
    "medical.bulk-patient-create.completed": Expected(
        "bc000000-5555-4aaa-8bbb-000000000002", "medical.bulk-patient-create", IMPORT
    ),
    "medical.bulk-patient-create.failed": Expected(
        "bc000000-5555-4aaa-8bbb-000000000003", "medical.bulk-patient-create", IMPORT
    ),
    # the patient in `patients[]`
    "medical.consolidated-data.completed": Expected(
        "c1d2e3f4-1111-4aaa-8bbb-000000000001", "medical.consolidated-data", PATIENT
    ),
    "medical.consolidated-data.failed": Expected(
        "c1d2e3f4-1111-4aaa-8bbb-000000000002", "medical.consolidated-data", PATIENT
    ),
    "medical.consolidated-data.empty-bundle": Expected(
        "c1d2e3f4-1111-4aaa-8bbb-000000000003", "medical.consolidated-data", PATIENT
    ),
    "medical.consolidated-data.pdf": Expected(
        "c1d2e3f4-1111-4aaa-8bbb-000000000004", "medical.consolidated-data", PATIENT
    ),
    "medical.document-bulk-download-urls.completed": Expected(
        "d00d0000-2222-4aaa-8bbb-000000000001", "medical.document-bulk-download-urls", PATIENT
    ),
    "medical.document-bulk-download-urls.failed": Expected(
        "d00d0000-2222-4aaa-8bbb-000000000002", "medical.document-bulk-download-urls", PATIENT
    ),
    # the patient in `payload`
    "message.status.completed": Expected(
        "3e55a6e0-4444-4aaa-8bbb-000000000001", "message.status", PATIENT
    ),
    "message.status.failed": Expected(
        "3e55a6e0-4444-4aaa-8bbb-000000000002", "message.status", PATIENT
    ),
    "network-query.hie.completed": Expected(
        "b2a7c9d0-0e11-4d3c-8a55-000000000001", "network-query.hie", PATIENT
    ),
    "network-query.hie.failed": Expected(
        "b2a7c9d0-0e11-4d3c-8a55-000000000002", "network-query.hie", PATIENT
    ),
    "network-query.pharmacy.completed": Expected(
        "b2a7c9d0-0e11-4d3c-8a55-000000000003", "network-query.pharmacy", PATIENT
    ),
    "network-query.pharmacy.failed": Expected(
        "b2a7c9d0-0e11-4d3c-8a55-000000000004", "network-query.pharmacy", PATIENT
    ),
    "network-query.lab.completed": Expected(
        "b2a7c9d0-0e11-4d3c-8a55-000000000005", "network-query.lab", PATIENT
    ),
    "network-query.lab.failed": Expected(
        "b2a7c9d0-0e11-4d3c-8a55-000000000006", "network-query.lab", PATIENT
    ),
    "network-query.hie.completed.treatment": Expected(
        "b2a7c9d0-0e11-4d3c-8a55-000000000007", "network-query.hie", PATIENT
    ),
    "network-query.hie.first-data-ready": Expected(
        "b2a7c9d0-0e11-4d3c-8a55-000000000008", "network-query.hie.first-data-ready", PATIENT
    ),
    "patient.admit": Expected("ad700000-3333-4aaa-8bbb-000000000001", "patient.admit", PATIENT),
    "patient.transfer": Expected(
        "ad700000-3333-4aaa-8bbb-000000000002", "patient.transfer", PATIENT
    ),
    "patient.discharge": Expected(
        "ad700000-3333-4aaa-8bbb-000000000003", "patient.discharge", PATIENT
    ),
    "patient.pharmacy": Expected(
        "ad700000-3333-4aaa-8bbb-000000000004", "patient.pharmacy", PATIENT
    ),
    "patient.laboratory": Expected(
        "ad700000-3333-4aaa-8bbb-000000000005", "patient.laboratory", PATIENT
    ),
    # a type that nobody documents may hold anything
    "unknown-type": Expected(
        "f0f0f0f0-6666-4aaa-8bbb-000000000001", "ias.identity.revoked", PATIENT, sealed=True
    ),
}


def test_every_sample_of_a_webhook_has_an_expected_end() -> None:
    on_disk = {path.name for path in SAMPLES.glob("webhook.*.json")}
    assert on_disk == {f"webhook.{name}.json" for name in EXPECTED} | {"webhook.ping.json", REPLY}


@pytest.mark.edge
@pytest.mark.parametrize("name", EXPECTED)
async def test_a_sample_is_answered_200_and_published_byte_for_byte(
    ingress: Ingress, tap: Tap, name: str
) -> None:
    """I6: it is in Kafka when the answer comes. I7: what names an identity is sealed."""
    expected, body = EXPECTED[name], vendor.stringify(vendor.sample(f"webhook.{name}.json"))
    response = await ingress.deliver(body)
    assert response.status == 200
    record = await tap.one()
    assert (record.topic, record.key) == ("metriport.webhooks.v1", expected.key)
    headers = record.headers
    assert headers["ce_specversion"] == "1.0"
    assert headers["ce_id"] == expected.message_id
    assert headers["ce_type"] == f"metriport.{expected.type}"
    assert headers.get("ce_subject") == (PATIENT if expected.key == PATIENT else None)
    assert headers["ce_vendorsignature"] == vendor.sign(body)
    assert headers["ce_time"] == vendor.sample(f"webhook.{name}.json")["meta"]["when"]
    assert ("ce_sealedfor" in headers) is expected.sealed
    assert (record.value == body) is not expected.sealed
    assert headers["content-type"].endswith("octet-stream" if expected.sealed else "json")
    assert b"pid_" not in record.value
    assert opened(record) == body


@pytest.mark.edge
@pytest.mark.parametrize("name", ["unknown-type", "network-query.hie.completed"])
async def test_a_published_sample_is_authentic_to_the_consumers(
    ingress: Ingress, tap: Tap, name: str
) -> None:
    """I1: they verify the vendor's signature again, over the opened bytes."""
    body = vendor.stringify(vendor.sample(f"webhook.{name}.json"))
    await ingress.deliver(body)
    message = as_consumers_read(await tap.one())
    assert isinstance(message, Webhook)
    assert message.body == body
    assert message.meta.message_id == EXPECTED[name].message_id


@pytest.mark.edge
async def test_a_delivery_sent_twice_is_published_twice_under_one_id(
    ingress: Ingress, tap: Tap
) -> None:
    """I1 is the consumers' to hold: the ingress keeps no state, and loses nothing."""
    body = vendor.stringify(vendor.sample("webhook.network-query.hie.completed.json"))
    assert {(await ingress.deliver(body)).status for _ in range(2)} == {200}
    first, second = await tap.new()
    assert (first.headers["ce_id"], first.value) == (second.headers["ce_id"], second.value)


@pytest.mark.edge
async def test_the_sample_ping_is_answered_with_its_pong_and_publishes_nothing(
    ingress: Ingress, tap: Tap
) -> None:
    response = await ingress.deliver(vendor.stringify(vendor.sample("webhook.ping.json")))
    assert (response.status, response.content_type) == (200, "application/json")
    assert await response.json() == vendor.sample(REPLY)
    assert await tap.new() == []
