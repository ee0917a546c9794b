import asyncio

import pytest

from tests.metriport_sandbox.sender import WebhookRow

from .conftest import Receiver, Start
from .driver import KEY, Driver


async def _one_event(api: Driver) -> WebhookRow:
    """Cause one event with metadata, and wait for its delivery's end."""
    body = {"sources": ["lab"], "metadata": {"flow": "ias"}}
    await api.query(await api.patient(), body)
    await api.idle()
    return api.sandbox.sender.rows[-1]


async def test_the_headers_are_those_of_the_vendors_client(api: Driver, receiver: Receiver) -> None:
    await _one_event(api)
    headers = receiver.received[0].headers

    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"] == "Metriport API"
    assert headers["Accept"] == "application/json, text/plain, */*"
    assert headers["Accept-Encoding"] == "gzip, compress, deflate, br"
    assert int(headers["Content-Length"]) == len(receiver.received[0].raw)


@pytest.mark.parametrize("status", [302, 400, 500])
async def test_anything_but_2xx_is_a_failure_and_is_not_tried_again(
    api: Driver, receiver: Receiver, status: int
) -> None:
    receiver.status = status
    row = await _one_event(api)
    health = (await api.get("/settings/webhook")).body

    assert row.status == "failure"
    assert len(receiver.received) == 1
    assert health["webhookEnabled"] is False
    assert f"status code {status}" in health["webhookStatusDetail"]
    assert health["webhookRequestsFailed"] == 1


async def test_a_slow_answer_is_stored_as_504(start: Start, receiver: Receiver) -> None:
    receiver.delay = asyncio.Event()
    api = await start(webhook_deadline_seconds=0.05)
    row = await _one_event(api)
    receiver.delay.set()

    assert row.status == "failure"
    assert row.deliveries[0].status == 504
    assert "timeout of 50ms exceeded" in row.deliveries[0].detail


async def test_a_refused_connection_is_stored_as_500(start: Start) -> None:
    api = await start(webhook_url="http://127.0.0.1:1/hook")
    row = await _one_event(api)

    assert (row.status, row.deliveries[0].status) == ("failure", 500)


async def test_a_retry_keeps_the_id_and_the_time_but_drops_the_metadata(
    api: Driver, receiver: Receiver
) -> None:
    receiver.status = 500
    await _one_event(api)
    receiver.status = 200
    answer = await api.post("/settings/webhook/retry")
    first, again = await receiver.next("network-query.lab", 2)

    assert (answer.status, answer.text) == (200, "OK")
    assert first.body["meta"].pop("data") == {"flow": "ias"}
    assert again.body["payload"] == first.body["payload"]
    expected = {key: value for key, value in first.body["meta"].items() if key != "data"}
    assert again.body["meta"] == expected
    await api.idle()
    assert (await api.get("/settings/webhook")).body["webhookRequestsFailed"] == 0


async def test_a_retry_sends_all_failures_one_by_one_oldest_first(
    api: Driver, receiver: Receiver
) -> None:
    await api.post("/_sandbox/webhooks/mode", {"loss": "failed"})
    for _ in range(3):
        await _one_event(api)
    kept = [row.message_id for row in api.sandbox.sender.rows]
    assert receiver.received == []
    await api.post("/_sandbox/webhooks/mode", {"loss": "none"})
    await api.post("/settings/webhook/retry")
    sent = await receiver.next("network-query.lab", len(kept))

    assert [webhook.body["meta"]["messageId"] for webhook in sent] == kept


async def test_without_an_address_events_are_kept_as_failures(start: Start) -> None:
    api = await start(webhook_url=None)
    row = await _one_event(api)

    assert row.status == "failure"
    assert (await api.get("/settings/webhook")).status == 404


async def test_lost_webhooks_leave_no_failure_behind(start: Start, receiver: Receiver) -> None:
    api = await start(webhook_loss="silent")
    row = await _one_event(api)

    assert row.status == "success"
    assert receiver.received == []


async def test_setting_the_first_url_makes_a_key_and_pings_later_urls_keep_it(
    start: Start, receiver: Receiver
) -> None:
    api = await start(webhook_url=None)
    before = (await api.get("/settings")).body
    first = (await api.post("/settings", {"webhookUrl": receiver.url})).body
    await receiver.next("ping")
    second = (await api.post("/settings", {"webhookUrl": f"{receiver.url}?x=1"})).body
    cleared = (await api.post("/settings", {"webhookUrl": ""})).body
    pings = await receiver.next("ping", 2)

    assert (before["webhookUrl"], before["webhookKey"]) == (None, None)
    assert first["webhookKey"] == second["webhookKey"] == cleared["webhookKey"] == KEY
    assert cleared["webhookUrl"] == second["webhookUrl"]
    assert "requestId" not in pings[0].body["meta"]
    assert len(pings[0].body["ping"]) == 21


async def test_a_made_key_is_21_url_safe_characters(start: Start, receiver: Receiver) -> None:
    api = await start(webhook_url=None, webhook_key=None)
    key = (await api.post("/settings", {"webhookUrl": "http://127.0.0.1:1/"})).body["webhookKey"]

    assert len(key) == 21
    assert set(key) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
    assert receiver.received == []


@pytest.mark.parametrize(("pong", "enabled"), [(None, True), ("wrong", False)])
async def test_the_pong_must_repeat_the_ping(
    start: Start, receiver: Receiver, pong: str | None, *, enabled: bool
) -> None:
    receiver.pong = pong
    api = await start(webhook_url=None)
    await api.post("/settings", {"webhookUrl": receiver.url})
    await api.idle()
    health = (await api.get("/settings/webhook")).body

    assert health["webhookEnabled"] is enabled
    assert health["webhookStatusDetail"] == ("OK" if enabled else "Bad response from webhook call")
    assert api.sandbox.sender.rows == []


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/hook",
        "https://127.0.0.1/hook",
        "https://example.com/0000",
        "https://x.lvh.me/",
        "https://hooks.amazonaws.com/x",
        "https://example.com/internal/x",
        "not a url",
        "https://example.com/" + "x" * 2048,
    ],
)
async def test_urls_with_forbidden_texts_are_refused(start: Start, url: str) -> None:
    api = await start(allow_loopback=False)
    answer = await api.post("/settings", {"webhookUrl": url})

    assert (answer.status, answer.body["detail"]) == (400, "Invalid URL")


async def test_settings_refuse_unknown_keys(api: Driver) -> None:
    answer = await api.post("/settings", {"webhookURL": "https://example.com"})

    assert answer.body["detail"] == "Unrecognized key(s) in object: 'webhookURL', on []"


async def test_webhooks_are_sent_again_byte_for_byte_on_request(
    api: Driver, receiver: Receiver
) -> None:
    row = await _one_event(api)
    await api.post("/_sandbox/webhooks/duplicate", {"messageId": row.message_id})
    first, again = receiver.of("network-query.lab")

    assert first.raw == again.raw


async def test_every_webhook_can_be_doubled(start: Start, receiver: Receiver) -> None:
    api = await start(duplicate_webhooks=True)
    await _one_event(api)
    first, again = await receiver.next("network-query.lab", 2)

    assert first.raw == again.raw


async def test_any_body_can_be_signed_and_sent(api: Driver, receiver: Receiver) -> None:
    body = {"meta": {"messageId": "m", "when": "now", "type": "ias.identity.revoked"}, "x": "é/"}
    answer = await api.post("/_sandbox/webhooks/emit", {"body": body})

    assert answer.body["ok"] is True
    assert receiver.received[0].raw.endswith('"x":"é/"}'.encode())


async def test_webhooks_and_their_deliveries_can_be_read(api: Driver) -> None:
    row = await _one_event(api)
    report = (await api.get("/_sandbox/webhooks")).body

    assert report["webhooks"][-1]["message_id"] == row.message_id
    assert report["webhooks"][-1]["deliveries"][0]["status"] == 200
    assert report["deliveries"][-1]["kind"] == "first"


async def test_a_cleared_url_makes_another_key_where_the_docs_are_right(
    start: Start, receiver: Receiver
) -> None:
    api = await start(key_rotation="renewed")
    cleared = (await api.post("/settings", {"webhookUrl": ""})).body
    row = await _one_event(api)
    again = await start(key_rotation="renewed", webhook_url=None, webhook_key=None)
    keys = [
        (await again.post("/settings", {"webhookUrl": url})).body["webhookKey"]
        for url in ("http://127.0.0.1:1/hook", "", "http://127.0.0.1:1/hook")
    ]
    await again.idle()

    assert (cleared["webhookUrl"], cleared["webhookKey"]) == (None, None)
    assert row.status == "failure"
    assert receiver.received == []
    assert keys[1] is None
    assert len({*keys}) == 3


async def test_the_state_of_the_webhook_may_come_as_a_string(start: Start) -> None:
    api = await start(webhook_enabled="string")
    await api.post("/settings", {"webhookUrl": "http://127.0.0.1:1/hook"})
    await api.idle()

    assert (await api.get("/settings/webhook")).body["webhookEnabled"] == "false"
