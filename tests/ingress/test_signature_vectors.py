"""The vendor's signatures, made by other code than ours, verify; and so they do when posted."""

from typing import Any

import pytest

from service.webhook_signature import matching_slot
from tests.ingress import vendor
from tests.ingress.opening import opened, opened_letter
from tests.ingress.running import Ingress, ingress_settings, running
from tests.ingress.tap import Tap
from tests.stack.broker import Broker

VECTORS: list[dict[str, Any]] = vendor.sample("signature-vectors.json")["vectors"]
PING, HOSTILE_TEXT, IDENTITY, EMPTY = VECTORS


def _body(vector: dict[str, Any]) -> bytes:
    return bytes.fromhex(vector["bodyUtf8Hex"])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["note"])[:20])
def test_a_vector_verifies_and_is_what_our_own_signer_makes(vector: dict[str, Any]) -> None:
    body, signature = _body(vector), vector["signature"]
    assert matching_slot([b"other", vector["key"].encode()], body, [signature]) == 1
    assert matching_slot([b"other"], body, [signature]) is None
    assert vendor.sign(body, vector["key"]) == signature


async def _post(ingress: Ingress, vector: dict[str, Any]) -> str:
    response = await ingress.deliver(_body(vector), vector["signature"])
    assert response.status == 200
    return await response.text()


@pytest.fixture
def vector_keys() -> tuple[str, ...]:
    """Every key of the vectors, all valid at once."""
    return tuple(dict.fromkeys(vector["key"] for vector in VECTORS))


@pytest.mark.edge
async def test_the_vectors_posted_end_as_pong_sealed_sealed_and_dead_letter(
    broker: Broker, topic_prefix: str, tap: Tap, vector_keys: tuple[str, ...]
) -> None:
    settings = ingress_settings(broker.bootstrap_servers, topic_prefix, webhook_keys=vector_keys)
    async with running(settings) as ingress:
        assert await _post(ingress, PING) == '{"pong":"V1StGXR8_Z5jdHi6B-myT"}'
        assert await tap.new() == []

        await _post(ingress, HOSTILE_TEXT)
        record = await tap.one()
        assert (record.topic, record.key) == ("metriport.webhooks.v1", "m-1")
        assert record.headers["ce_type"] == "metriport.x"
        assert "ce_sealedfor" in record.headers
        assert opened(record) == _body(HOSTILE_TEXT)

        await _post(ingress, IDENTITY)
        record = await tap.one()
        assert record.key == vendor.PATIENT
        assert opened(record) == _body(IDENTITY)

        await _post(ingress, EMPTY)
        letter, raw = opened_letter(await tap.one())
        assert (letter["reason"], raw) == ("unreadable", b"{}")
