import gzip
import json
from collections import Counter
from typing import Any

import aiohttp

from .conftest import Clock, Gate, Receiver, Start
from .driver import Driver


def _path(patient_id: str) -> str:
    return f"/medical/v1/patient/{patient_id}/consolidated/query"


async def _gathered(api: Driver, receiver: Receiver, **changes: Any) -> str:
    """A patient whose network query is over."""
    patient_id = await api.patient(**changes)
    await api.query(patient_id)
    await receiver.next("network-query.lab")
    return patient_id


async def _consolidated(api: Driver, receiver: Receiver, patient_id: str, **query: str) -> Any:
    known = len(receiver.of("medical.consolidated-data"))
    params = {"conversionType": "json", **query}
    answer = await api.post(_path(patient_id), {"metadata": {"flow": "ias"}}, params=params)
    assert answer.status == 200, answer.text
    webhooks = await receiver.next("medical.consolidated-data", known + 1)
    assert webhooks[-1].body["meta"]["requestId"] == answer.body["requestId"]
    return webhooks[-1].body["patients"][0]


def _attachments(row: Any) -> dict[str, str]:
    content = row["bundle"]["entry"][0]["resource"]["content"]
    return {item["attachment"]["contentType"]: item["attachment"]["url"] for item in content}


async def test_janes_record_is_a_whole_fhir_bundle(api: Driver, receiver: Receiver) -> None:
    patient_id = await _gathered(api, receiver)
    row = await _consolidated(api, receiver, patient_id)
    answer = await api.get(_attachments(row)["application/json"])
    resources = [entry["resource"] for entry in answer.body["entry"]]
    kinds = Counter(resource["resourceType"] for resource in resources)

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.body["resourceType"] == "Bundle"
    assert len(resources) >= 40
    assert kinds.keys() >= {
        "Patient",
        "Condition",
        "MedicationRequest",
        "MedicationDispense",
        "Observation",
        "Encounter",
        "AllergyIntolerance",
        "Immunization",
        "DocumentReference",
        "DiagnosticReport",
        "Practitioner",
        "Organization",
    }
    assert len({resource["id"] for resource in resources}) == len(resources)
    assert row["filters"] == {"resources": "", "conversionType": "json"}


async def test_every_reference_in_janes_record_leads_somewhere(
    api: Driver, receiver: Receiver
) -> None:
    patient_id = await _gathered(api, receiver)
    row = await _consolidated(api, receiver, patient_id)
    text = (await api.get(_attachments(row)["application/json"])).text
    resources = [entry["resource"] for entry in json.loads(text)["entry"]]
    known = {f"{resource['resourceType']}/{resource['id']}" for resource in resources}

    references = set(_references(resources))
    assert f"Patient/{patient_id}" in references
    assert references <= known


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["reference"]] if isinstance(value.get("reference"), str) else []
        return own + [found for item in value.values() for found in _references(item)]
    if isinstance(value, list):
        return [found for item in value for found in _references(item)]
    return []


async def test_the_gzip_file_is_marked_so_that_clients_unpack_it_by_themselves(
    api: Driver, receiver: Receiver
) -> None:
    row = await _consolidated(api, receiver, await _gathered(api, receiver))
    links = _attachments(row)
    async with (
        aiohttp.ClientSession(auto_decompress=False) as raw_client,
        raw_client.get(links["application/gzip"]) as response,
    ):
        headers, raw = response.headers, await response.read()
    unpacked = (await api.get(links["application/gzip"])).body

    assert headers["Content-Type"] == "application/gzip"
    assert headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(raw)) == unpacked
    assert unpacked == (await api.get(links["application/json"])).body


async def test_a_link_dies_after_three_minutes_with_s3s_xml(
    api: Driver, receiver: Receiver, clock: Clock
) -> None:
    row = await _consolidated(api, receiver, await _gathered(api, receiver))
    url = _attachments(row)["application/json"]
    clock.now += 179
    alive = await api.get(url)
    clock.now += 1
    dead = await api.get(url)

    assert "X-Amz-Expires=180" in url
    assert alive.status == 200
    assert dead.status == 403
    assert dead.headers["Content-Type"].startswith("application/xml")
    assert "<Code>AccessDenied</Code><Message>Request has expired</Message>" in dead.text


async def test_a_link_cannot_be_prolonged(api: Driver, receiver: Receiver) -> None:
    row = await _consolidated(api, receiver, await _gathered(api, receiver))
    url = _attachments(row)["application/json"].replace("Expires=180", "Expires=9999")
    answer = await api.get(url)

    assert answer.status == 403
    assert "SignatureDoesNotMatch" in answer.text


async def test_before_any_query_there_is_no_data(api: Driver, receiver: Receiver) -> None:
    row = await _consolidated(api, receiver, await api.patient())

    assert row["status"] == "completed"
    assert row["bundle"]["entry"] == []


async def test_each_source_adds_its_part(api: Driver, receiver: Receiver) -> None:
    patient_id = await api.patient()
    await api.query(patient_id, {"sources": ["hie"]})
    (done,) = await receiver.next("network-query.hie")
    hie = (await api.get(done.body["payload"]["consolidatedDataUrl"])).text
    await api.query(patient_id, {"sources": ["pharmacy"]})
    (done,) = await receiver.next("network-query.pharmacy")
    both = (await api.get(done.body["payload"]["consolidatedDataUrl"])).text

    assert "MedicationDispense" not in hie
    assert "MedicationDispense" in both


async def test_the_cached_record_is_gone_while_a_new_query_gathers(
    api: Driver, receiver: Receiver
) -> None:
    patient_id = await _gathered(api, receiver)
    (done,) = receiver.of("network-query.lab")
    url = done.body["payload"]["consolidatedDataUrl"]
    assert (await api.get(url)).status == 200
    await api.post("/_sandbox/outcomes", {"of": "lab", "result": "stuck"})
    await api.query(patient_id, {"sources": ["lab"]})
    missing = await api.get(url)

    assert missing.status == 404
    assert "NoSuchKey" in missing.text


async def test_resources_and_dates_filter_the_record(api: Driver, receiver: Receiver) -> None:
    patient_id = await _gathered(api, receiver)
    row = await _consolidated(
        api, receiver, patient_id, resources="Observation,Condition", dateFrom="2025-01-01"
    )
    body = (await api.get(_attachments(row)["application/json"])).body
    kinds = {entry["resource"]["resourceType"] for entry in body["entry"]}

    assert row["filters"]["resources"] == "Observation, Condition"
    assert kinds == {"Observation"}  # every condition began earlier


async def test_pdf_and_html_are_files_a_reader_opens(api: Driver, receiver: Receiver) -> None:
    stranger = await api.patient(firstName="Nobody")
    pdf = _attachments(await _consolidated(api, receiver, stranger, conversionType="pdf"))
    html = _attachments(await _consolidated(api, receiver, stranger, conversionType="html"))

    text = (await api.get(pdf["application/pdf"])).text
    assert text.startswith("%PDF-1.4")
    assert text.rstrip().endswith("%%EOF")
    assert "Jane Smith" in (await api.get(html["text/html"])).text


async def test_the_same_parameters_give_the_running_query_and_ignore_new_metadata(
    start: Start, receiver: Receiver
) -> None:
    gate = Gate()
    api = await start(sleep=gate)
    patient_id = await api.patient()
    params = {"conversionType": "json"}
    first = await api.post(_path(patient_id), {"metadata": {"n": "1"}}, params=params)
    again = await api.post(_path(patient_id), {"metadata": {"n": "2"}}, params=params)
    gate.open()
    (done,) = await receiver.next("medical.consolidated-data")

    assert first.body["requestId"] == again.body["requestId"]
    assert done.body["meta"]["data"] == {"n": "1"}


async def test_two_different_queries_in_flight_share_the_later_metadata(
    start: Start, receiver: Receiver
) -> None:
    gate = Gate()
    api = await start(sleep=gate)
    patient_id = await api.patient()
    for kind in ("json", "pdf"):
        body = {"metadata": {"kind": kind}}
        await api.post(_path(patient_id), body, params={"conversionType": kind})
    gate.open()
    webhooks = await receiver.next("medical.consolidated-data", 2)

    assert [webhook.body["meta"]["data"] for webhook in webhooks] == [{"kind": "pdf"}] * 2


async def test_starting_another_query_drops_finished_rows(api: Driver, receiver: Receiver) -> None:
    patient_id = await api.patient()
    await _consolidated(api, receiver, patient_id)
    listed = (await api.get(_path(patient_id))).body
    request_id = listed["queries"][0]["requestId"]
    found = await api.get(f"{_path(patient_id)}/{request_id}")
    await _consolidated(api, receiver, patient_id)
    gone = await api.get(f"{_path(patient_id)}/{request_id}")

    assert listed["status"] == "completed"
    assert found.body["status"] == "completed"
    assert (gone.status, gone.body["detail"]) == (404, "Consolidated query not found")


async def test_a_failed_consolidated_query_has_no_bundle(api: Driver, receiver: Receiver) -> None:
    await api.post("/_sandbox/outcomes", {"of": "consolidated", "result": "failed"})
    row = await _consolidated(api, receiver, await api.patient())

    assert row["status"] == "failed"
    assert "bundle" not in row


async def test_consolidated_parameters_are_checked(api: Driver) -> None:
    patient_id = await api.patient()
    missing = await api.post(_path(patient_id), {})
    lower = {"conversionType": "json", "resources": "observation"}
    resource = await api.post(_path(patient_id), {}, params=lower)
    pairs = {"metadata": {str(number): "" for number in range(51)}}
    heavy = await api.post(_path(patient_id), pairs, params={"conversionType": "json"})

    assert missing.body["detail"] == "Missing conversionType query param"
    assert (resource.status, heavy.status) == (400, 400)


async def test_the_flag_in_metadata_keeps_the_webhook_back(api: Driver, receiver: Receiver) -> None:
    patient_id = await api.patient()
    body = {"metadata": {"disableWHFlag": "true"}}
    await api.post(_path(patient_id), body, params={"conversionType": "json"})
    await api.idle()
    await _consolidated(api, receiver, patient_id)

    assert len(receiver.of("medical.consolidated-data")) == 1


async def test_bulk_documents_come_in_one_message_with_links_to_real_files(
    api: Driver, receiver: Receiver
) -> None:
    patient_id = await _gathered(api, receiver)
    path, params = "/medical/v1/document/download-url/bulk", {"patientId": patient_id}
    body = {"metadata": {"a": "b"}}
    first = (await api.post(path, body, params=params)).body
    (done,) = await receiver.next("medical.document-bulk-download-urls")
    documents = done.body["patients"][0]["documents"]

    assert first["status"] == "processing"
    assert done.body["meta"]["requestId"] == first["requestId"]
    assert done.body["meta"]["data"] == {"a": "b"}
    assert Counter(document["mimeType"] for document in documents) == {
        "application/xml": 1,
        "application/pdf": 3,
        "image/png": 2,
    }
    for document in documents:
        async with api.http.get(document["url"]) as response:
            assert response.status == 200
            assert len(await response.read()) == document["size"]


async def test_one_bulk_run_goes_on_per_patient_at_a_time(start: Start) -> None:
    gate = Gate()
    api = await start(sleep=gate)
    params = {"patientId": await api.patient()}
    path = "/medical/v1/document/download-url/bulk"
    first = (await api.post(path, {}, params=params)).body
    again = (await api.post(path, {}, params=params)).body
    gate.open()
    await api.idle()
    later = (await api.post(path, {}, params=params)).body

    assert first == again
    assert later["requestId"] != first["requestId"]
