"""Authentic bodies of any shape: published, or a sealed dead letter. Never 500, never lost (I6)."""

import json

import pytest

from tests.ingress import vendor
from tests.ingress.opening import opened, opened_letter
from tests.ingress.running import Ingress
from tests.ingress.tap import Tap
from tests.ingress.vendor import PATIENT, stringify, webhook

META = b'"meta":{"messageId":"m-1","type":"network-query.hie"}'
TEXT_PART = b'{%b,"payload":{"patientId":"p","text":"canary-%%b"}}' % META
DEAD = {
    "nothing_at_all": b"",
    "plain_text": b"canary-text",
    "a_truncated_object": stringify(webhook())[:-1],
    "something_after_the_object": stringify(webhook()) + b"{}",
    "an_array": b"[" + stringify(webhook()) + b"]",
    "null": b"null",
    "an_object_without_meta": b'{"payload":{}}',
    "meta_that_is_text": b'{"meta":"canary"}',
    "meta_without_message_id": b'{"meta":{"type":"ping"},"ping":"canary"}',
    "meta_without_type": b'{"meta":{"messageId":"m-1"}}',
    "an_empty_message_id": b'{"meta":{"messageId":"","type":"x"}}',
    "a_message_id_that_is_a_number": b'{"meta":{"messageId":7,"type":"x"}}',
    "a_message_id_of_256_letters": stringify({"meta": {"messageId": "m" * 256, "type": "x"}}),
    "a_type_with_a_line_break": b'{"meta":{"messageId":"m-1","type":"x\\nce_id: y"}}',
    "a_time_that_is_none": b'{"meta":{"messageId":"m-1","type":"x","when":"canary"}}',
    "bytes_that_are_not_utf8": TEXT_PART % b"\xff\xfe",
    "a_surrogate_as_raw_bytes": TEXT_PART % b"\xed\xa0\x80",
    "utf16": stringify(webhook()).decode().encode("utf-16"),
    "a_byte_order_mark": b"\xef\xbb\xbf" + stringify(webhook()),
    "nesting_beyond_the_readers_stack": b'{%b,"payload":%b%b}'
    % (META, b"[" * 100_000, b"]" * 100_000),
    "not_a_number": b'{%b,"payload":{"patientId":"p","value":NaN}}' % META,
    "single_quotes": b"{'meta':{'messageId':'m-1','type':'x'}}",
}


@pytest.mark.edge
@pytest.mark.parametrize("body", DEAD.values(), ids=DEAD)
async def test_a_body_without_readable_meta_is_200_and_a_sealed_dead_letter(
    ingress: Ingress, tap: Tap, body: bytes
) -> None:
    """I6: kept to the byte. I7: sealed; the reason is a code and never an exception's text."""
    assert (await ingress.deliver(body)).status == 200
    record = await tap.one()
    letter, raw = opened_letter(record)
    assert raw == body
    assert set(letter) == {"reason", "sealed", "receivedAt"}
    assert letter["reason"] == "unreadable"
    assert record.headers["ce_type"] == "ias.dead-letter.Stored"
    assert record.key == ""
    assert b"canary" not in record.value


PUBLISHED = {
    "nesting_of_200": b'{%b,"payload":{"patientId":"p","x":%b%b}}' % (META, b"[" * 200, b"]" * 200),
    "an_escaped_nul": TEXT_PART % b"\\u0000",
    "a_lone_surrogate": TEXT_PART % b"\\ud800",
    "a_lone_low_surrogate": TEXT_PART % b"\\uDFFF",
    "half_a_pair_before_a_pair": TEXT_PART % b"\\ud83d\\ud83d\\ude00",
    "an_escaped_backslash_before_a_u": TEXT_PART % b"\\\\ud800",
    "a_number_beyond_any_float": b'{%b,"payload":{"patientId":"p","n":1e999}}' % META,
    "a_number_beyond_any_integer": b'{%b,"payload":{"patientId":"p","n":%b}}' % (META, b"9" * 5000),
    "the_earliest_time_of_all": b'{"meta":{"messageId":"m-1","type":"network-query.hie",'
    b'"when":"0001-01-01T00:00:00+14:00"},"payload":{"patientId":"p"}}',
    "the_latest_time_of_all": b'{"meta":{"messageId":"m-1","type":"network-query.hie",'
    b'"when":"9999-12-31T23:59:59-14:00"},"payload":{"patientId":"p"}}',
    "a_time_that_is_null": b'{"meta":{"messageId":"m-1","type":"network-query.hie","when":null},'
    b'"payload":{"patientId":"p"}}',
    "white_space_around": b' \r\n\t{%b,"payload":{"patientId":"p"}}\n' % META,
}


@pytest.mark.edge
@pytest.mark.parametrize("body", PUBLISHED.values(), ids=PUBLISHED)
async def test_an_odd_body_with_readable_meta_is_200_and_published_byte_for_byte(
    ingress: Ingress, tap: Tap, body: bytes
) -> None:
    """I6: what we do not look at may hold anything."""
    assert (await ingress.deliver(body)).status == 200
    record = await tap.one()
    assert (record.topic, record.key) == ("metriport.webhooks.v1", "p")
    assert record.headers["ce_id"] == "m-1"
    assert opened(record) == body


@pytest.mark.edge
async def test_a_raw_nul_within_text_is_kept_to_the_byte_wherever_it_ends(
    ingress: Ingress, tap: Tap
) -> None:
    body = TEXT_PART % b"\x00"
    assert (await ingress.deliver(body)).status == 200
    record = await tap.one()
    assert record.topic == "ias.dead-letters.v1"
    assert opened_letter(record)[1] == body


@pytest.mark.edge
async def test_of_duplicate_keys_the_last_one_counts_as_everywhere(
    ingress: Ingress, tap: Tap
) -> None:
    """As in JavaScript and in our consumers: two readers of one body never differ."""
    body = (
        b'{"meta":{"messageId":"first","type":"ping"},"payload":{"patientId":"one"},'
        b'"payload":{"patientId":"zero","patientId":"two"},'
        b'"meta":{"messageId":"last","type":"network-query.hie"}}'
    )
    assert (await ingress.deliver(body)).status == 200
    record = await tap.one()
    assert (record.headers["ce_id"], record.key) == ("last", "two")
    assert record.headers["ce_type"] == "metriport.network-query.hie"
    assert json.loads(opened(record))["meta"]["messageId"] == "last"


KEYS = {
    "no_patient": ({"payload": {}}, "r-1", None),
    "a_patient_that_is_a_number": ({"payload": {"patientId": 7}}, "r-1", None),
    "a_patient_that_is_empty": ({"payload": {"patientId": ""}}, "r-1", None),
    "a_patient_of_256_letters": ({"payload": {"patientId": "p" * 256}}, "r-1", None),
    "patients_that_are_none": ({"patients": []}, "r-1", None),
    "patients_that_are_no_list": ({"patients": "p"}, "r-1", None),
    "several_patients": ({"patients": [{"patientId": "p"}, {"patientId": "q"}]}, "p", "p"),
    "a_patient_beside_the_payload": ({"payload": {}, "patientId": "p"}, "p", "p"),
}


@pytest.mark.edge
@pytest.mark.parametrize(("part", "key", "subject"), KEYS.values(), ids=KEYS)
async def test_the_key_is_the_patient_else_the_request(
    ingress: Ingress, tap: Tap, part: vendor.Body, key: str, subject: str | None
) -> None:
    meta = {"messageId": "m-1", "requestId": "r-1", "type": "message.status"}
    assert (await ingress.deliver(stringify({"meta": meta, **part}))).status == 200
    record = await tap.one()
    assert (record.key, record.headers.get("ce_subject")) == (key, subject)


@pytest.mark.edge
async def test_without_patient_and_request_the_key_is_the_message(
    ingress: Ingress, tap: Tap
) -> None:
    body = stringify({"meta": {"messageId": "m-9", "type": "message.received"}})
    assert (await ingress.deliver(body)).status == 200
    assert (await tap.one()).key == "m-9"


SECRETS = {
    "a_proofed_identity": {"proofedIdentityId": "0199canary"},
    "a_proofed_identity_in_snake_case": {"proofed_identity_id": "0199canary"},
    "the_value_of_an_identity": {"note": "pid_0199canary"},
    "a_session": {"aal2SessionId": "0199canary"},
    "a_session_in_capitals": {"AAL2SESSION": "0199canary"},
    "an_identity_session": {"identitySessionId": "0199canary"},
}


@pytest.mark.edge
@pytest.mark.parametrize("data", SECRETS.values(), ids=SECRETS)
async def test_a_harmless_type_that_names_an_identity_or_session_is_sealed(
    ingress: Ingress, tap: Tap, data: vendor.Body
) -> None:
    """I7: metadata comes back in any webhook, whatever the caller put there."""
    body = stringify({**webhook(), "extra": data})
    assert (await ingress.deliver(body)).status == 200
    record = await tap.one()
    assert "ce_sealedfor" in record.headers
    assert b"0199canary" not in record.value
    assert opened(record) == body


@pytest.mark.edge
async def test_a_name_hidden_by_escapes_is_sealed(ingress: Ingress, tap: Tap) -> None:
    """I7: no honest sender escapes a letter."""
    body = TEXT_PART % b'","\\u0070roofedIdentityId":"0199canary'
    assert (await ingress.deliver(body)).status == 200
    record = await tap.one()
    assert b"0199canary" not in record.value
    assert opened(record) == body


@pytest.mark.edge
async def test_a_ping_without_its_text_is_published_like_any_webhook(
    ingress: Ingress, tap: Tap
) -> None:
    body = stringify({"meta": {"messageId": "m-1", "type": "ping"}, "ping": 7})
    assert (await ingress.deliver(body)).status == 200
    assert (await tap.one()).headers["ce_type"] == "metriport.ping"


@pytest.mark.edge
@pytest.mark.parametrize("text", ['"\\\r\n', "\u2028é🩺", "", "x" * 10_000])
async def test_a_pong_is_the_pings_text_whatever_it_is(ingress: Ingress, text: str) -> None:
    body = stringify({"ping": text, "meta": {"messageId": "m-1", "type": "ping"}})
    response = await ingress.deliver(body)
    assert response.status == 200
    assert await response.json() == {"pong": text}


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.edge
async def test_a_trace_passes_through(ingress: Ingress, tap: Tap) -> None:
    body = stringify(webhook())
    headers = {vendor.SIGNATURE: vendor.sign(body), "traceparent": TRACE}
    assert (await ingress.deliver_with(body, headers)).status == 200
    assert (await tap.one()).headers["traceparent"] == TRACE


@pytest.mark.edge
@pytest.mark.parametrize("trace", ["", "canary", f"{TRACE}-x", TRACE.upper(), "\udcff", "é"])
async def test_a_trace_that_is_none_is_left_out_and_the_webhook_published(
    ingress: Ingress, tap: Tap, trace: str
) -> None:
    """I1, I6: the header is not signed; an empty one would make the record unreadable."""
    body = stringify(webhook())
    headers = {vendor.SIGNATURE: vendor.sign(body), "traceparent": trace}
    assert (await ingress.deliver_with(body, headers)).status == 200
    record = await tap.one()
    assert "traceparent" not in record.headers
    assert (record.value, record.key) == (body, PATIENT)
