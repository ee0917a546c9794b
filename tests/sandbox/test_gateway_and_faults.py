import aiohttp
import pytest

from tests.metriport_sandbox.logline import mask

from .conftest import Receiver, Start
from .driver import Driver


@pytest.mark.parametrize("key", ["", "wrong", "ключ"])
@pytest.mark.parametrize("path", ["/settings", "/medical/v1/patient/x", "/nowhere"])
async def test_a_wrong_key_is_refused_by_the_gateway(api: Driver, key: str, path: str) -> None:
    answer = await api.get(path, headers={"x-api-key": key})

    assert answer.status == 403
    assert answer.text == '{"message":"Forbidden"}'
    assert answer.headers["x-amzn-errortype"] == "ForbiddenException"


async def test_unknown_routes_and_methods_are_not_found(api: Driver) -> None:
    for method, path in (("GET", "/medical/v1/nothing"), ("DELETE", "/settings")):
        answer = await api.call(method, path)
        assert (answer.status, answer.body) == (404, {"message": "Not Found"})


async def test_a_body_that_is_not_json_is_a_bad_request(api: Driver) -> None:
    typed = {"content-type": "application/json"}
    answer = await api.post("/settings", data=b"{", headers=typed)

    assert (answer.status, answer.body["title"]) == (400, "BadRequestError")


async def test_a_body_without_the_json_type_is_not_even_looked_at(api: Driver) -> None:
    raw = b'{"webhookUrl":"https://example.com/hook"}'
    before = (await api.get("/settings")).body
    answer = await api.post("/settings", data=raw)

    assert answer.body == before


async def test_the_daily_quota_ends_at_the_gateway(start: Start) -> None:
    api = await start(daily_quota=1)
    assert (await api.get("/settings")).status == 200
    answer = await api.get("/settings")

    assert (answer.status, answer.body) == (429, {"message": "Limit Exceeded"})


async def test_counters_of_the_limits_can_be_read(api: Driver) -> None:
    await api.patient()
    counters = (await api.get("/_sandbox/limits")).body

    assert counters["write-patient"]["count"] == 1
    assert counters["write-patient"]["limit"] == 15


async def _fault(api: Driver, **fault: object) -> None:
    assert (await api.post("/_sandbox/faults", fault)).status == 201


async def test_a_dropped_answer_has_done_the_work(api: Driver, receiver: Receiver) -> None:
    patient_id = await api.patient()
    await _fault(api, operation="start-network-query", kind="drop-answer")
    with pytest.raises(aiohttp.ClientConnectionError):
        await api.query(patient_id)
    (query_id,) = api.sandbox.state.network_queries
    (call,) = api.sandbox.ledger.of("start-network-query")

    assert (call.status, call.fault) == (None, "drop-answer")
    assert query_id in (call.answer or "")
    (done,) = await receiver.next("network-query.hie")
    assert done.body["meta"]["requestId"] == query_id


async def test_a_reset_connection_has_done_nothing(api: Driver) -> None:
    patient_id = await api.patient()
    await _fault(api, operation="*", kind="reset")
    with pytest.raises(aiohttp.ClientConnectionError):
        await api.query(patient_id)

    assert api.sandbox.state.network_queries == {}


async def test_a_status_can_be_asked_for_so_many_times(api: Driver) -> None:
    await _fault(
        api,
        operation="get-settings",
        kind="status",
        status=504,
        body='{"message":"Endpoint request timed out"}',
        contentType="application/json",
        headers={"Retry-After": "3"},
        times=2,
    )
    answers = [await api.get("/settings") for _ in range(3)]

    assert [answer.status for answer in answers] == [504, 504, 200]
    assert answers[0].headers["Retry-After"] == "3"
    assert answers[0].body == {"message": "Endpoint request timed out"}


@pytest.mark.parametrize(("kind", "done"), [("delay", False), ("delay-answer", True)])
async def test_a_delay_comes_before_or_after_the_work(
    api: Driver, kind: str, *, done: bool
) -> None:
    patient_id = await api.patient()
    await _fault(api, operation="start-network-query", kind=kind, seconds=60)
    with pytest.raises(TimeoutError):
        await api.query(patient_id, timeout=aiohttp.ClientTimeout(total=0.1))

    assert bool(api.sandbox.state.network_queries) is done


async def test_scripts_can_be_read_dropped_and_are_checked(api: Driver) -> None:
    await _fault(api, operation="get-settings", kind="status")
    waiting = (await api.get("/_sandbox/scripts")).body
    await api.call("DELETE", "/_sandbox/scripts")
    bad = await api.post("/_sandbox/faults", {"operation": "x", "kind": "explode"})
    unknown = await api.post("/_sandbox/outcomes", {"of": "hie", "result": "failed", "x": 1})

    assert waiting["faults"][0]["operation"] == "get-settings"
    assert (await api.get("/settings")).status == 200
    assert (bad.status, unknown.status) == (400, 400)


async def test_the_ledger_tells_what_came_and_how_it_was_answered(api: Driver) -> None:
    await api.query("nobody", headers={"x-aal2-session": "aal2_1"}, params={"purposeOfUse": "ias"})
    (call,) = (await api.get("/_sandbox/ledger?operation=start-network-query")).body

    assert (call["method"], call["path"]) == ("POST", "/medical/v1/network/query")
    assert call["query"] == {"patientId": "nobody", "purposeOfUse": "ias"}
    assert call["headers"]["x-aal2-session"] == "aal2_1"
    assert call["status"] == 404


async def test_lines_for_a_watcher_name_the_purpose_and_mask_the_secrets(
    start: Start,
) -> None:
    lines: list[str] = []
    api = await start(log=lines.append)
    patient_id = await api.patient()
    identity_id, secret = await api.identity(patient_id)
    session_id = await api.pass_challenge(identity_id, secret)
    await api.ias_query(patient_id, identity_id, session_id)
    await api.idle()
    (line,) = [line for line in lines if "[start-network-query]" in line]
    text = "\n".join(lines)

    assert "purposeOfUse=ias" in line
    assert f"proofedIdentityId=pid_…{identity_id[-4:]}" in line
    assert f"x-aal2-session=aal2_…{session_id[-4:]}" in line
    assert "⇒ webhook network-query.lab" in text
    for hidden in (identity_id, session_id, secret, "X-Amz-Signature"):
        assert hidden not in text
    for token in (*api.sandbox.state.identity_sessions, *api.sandbox.state.challenges):
        assert token not in text


def test_masks_keep_the_kind_and_the_end_only() -> None:
    assert mask("aal2_0199b1cf20417f58") == "aal2_…7f58"
    assert mask("0199b1cf20417f58") == "…7f58"
    assert mask("short") == "…"
