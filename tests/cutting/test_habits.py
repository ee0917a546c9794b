"""How every call is made: what it carries beside the request, where it goes, and how often."""

import asyncio
import re
from pathlib import Path

import pytest

from service.gateway.call_classes import CallClass, class_of
from service.gateway.outcome import Accepted, Refused, Unknown
from service.gateway.protocol import VendorRequest
from service.store.calls import Operation

from .calls import API_KEY, CALLS, NETWORK_QUERY, SESSION
from .conftest import Connect
from .recorder import Recorder, answer, recording

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
GATEWAY_GIVES_UP_SECONDS = 29
"""The vendor's own gateway (code of its infrastructure)."""


async def test_every_call_says_who_asks_and_with_which_version(
    connect: Connect, recorder: Recorder
) -> None:
    found = re.search(r'^version = "(.+)"$', PROJECT.read_text(), re.MULTILINE)
    assert found is not None
    client = await connect(recorder.url())
    for operation, request in CALLS.items():
        await client.call(operation, request)
    for received in recorder.requests:
        assert received.values("user-agent") == [f"metriport-ias-gateway/{found[1]}"]
        assert received.values("x-api-key") == [API_KEY]
        assert received.values("accept") == ["application/json"]
        assert received.values("accept-encoding") == ["identity"]
        assert received.values("cookie") == received.values("authorization") == []


async def test_what_arrives_is_the_request_letter_for_letter(
    connect: Connect, recorder: Recorder
) -> None:
    client = await connect(recorder.url())
    for operation, request in CALLS.items():
        recorder.requests.clear()
        await client.call(operation, request)
        (received,) = recorder.requests
        target = f"{request.path}?{request.query}" if request.query else request.path
        assert received.line == f"{request.method} {target} HTTP/1.1"
        assert received.body == (request.body or b"")
        with_session = [SESSION] if request is NETWORK_QUERY else []
        assert received.values("x-aal2-session") == with_session


@pytest.mark.parametrize("sent", ["%2F..%2F", "a%3Fb%23c", "%25", "%C3%A9", "a%20b+c"])
async def test_what_is_escaped_stays_escaped(
    connect: Connect, recorder: Recorder, sent: str
) -> None:
    """A patient's id cannot lead to another path."""
    client = await connect(recorder.url())
    request = VendorRequest(method="GET", path=f"/medical/v1/patient/{sent}", query=f"q={sent}")
    await client.call("get_patient", request)
    assert recorder.requests[0].line == f"GET /medical/v1/patient/{sent}?q={sent} HTTP/1.1"


async def test_every_call_has_a_connection_of_its_own(connect: Connect, recorder: Recorder) -> None:
    """Also when the server would keep it: a used connection may be gone when the next call needs it."""
    recorder.keeps_open = True
    recorder.answer = answer("200 OK", b"{}", "Connection: keep-alive", "Keep-Alive: timeout=60")
    client = await connect(recorder.url())
    for _ in range(3):
        for operation, request in CALLS.items():
            assert await client.call(operation, request) == Accepted(b"{}")
    assert recorder.connections == len(recorder.requests) == 3 * len(CALLS)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(301, Refused), (302, Unknown), (303, Unknown), (307, Refused), (308, Refused)],
)
async def test_a_redirect_ends_the_call_and_is_not_followed(
    connect: Connect, recorder: Recorder, status: int, kind: type[Refused | Unknown]
) -> None:
    """I7: whoever answers cannot send key and session to a place of their choice."""
    async with recording() as elsewhere:
        for place in (f"{elsewhere.url()}/medical/v1/network/query", "/elsewhere"):
            recorder.requests.clear()
            recorder.answer = answer(f"{status} Moved", b"", f"Location: {place}")
            client = await connect(recorder.url())
            for operation, request in CALLS.items():
                outcome = await client.call(operation, request)
                assert isinstance(outcome, kind)
                assert outcome.status == status
            assert len(recorder.requests) == len(CALLS)
        assert elsewhere.connections == 0


@pytest.mark.parametrize("operation", list(CALLS))
async def test_an_answer_over_the_cap_is_unknown_and_not_read_on(
    connect: Connect, recorder: Recorder, operation: str
) -> None:
    """I3: the vendor did something, or it would not have so much to say. A read is made again."""
    request = CALLS[operation]
    cap = class_of(operation, request.method).largest_answer
    client = await connect(recorder.url())
    recorder.answer = answer(body=b" " * cap)
    assert await client.call(operation, request) == Accepted(b" " * cap)
    for body in (b" " * (cap + 1), b" " * (cap * 8)):
        for status in ("200 OK", "400 Bad Request", "429 Too Many Requests"):
            recorder.answer = answer(status, body)
            assert await client.call(operation, request) == Unknown()


async def test_every_operation_has_a_class_and_none_waits_for_ever() -> None:
    assert {*map(str, Operation), "probe_key"} == set(CALLS)
    for operation, request in CALLS.items():
        kind = class_of(operation, request.method)
        assert 0 < kind.longest.total_seconds() <= 120
        assert 0 < kind.largest_answer <= 1024 * 1024


@pytest.mark.parametrize(
    "operation", ["create_patient", "start_network_query", "start_consolidated_query"]
)
def test_what_starts_work_waits_for_the_verdict_of_the_vendors_gateway(operation: str) -> None:
    """An earlier end would make an unknown of what the vendor would have answered."""
    assert class_of(operation, "POST").longest.total_seconds() > GATEWAY_GIVES_UP_SECONDS


def test_what_a_person_or_another_call_waits_for_gives_up_sooner() -> None:
    def longest(operation: str, method: str) -> float:
        kind: CallClass = class_of(operation, method)
        return kind.longest.total_seconds()

    probe = longest("probe_key", "GET")
    for page in ("create_identity_session", "create_aal2_challenge"):
        assert probe < longest(page, "POST") < GATEWAY_GIVES_UP_SECONDS
    assert probe < longest("get_network_query", "GET") < GATEWAY_GIVES_UP_SECONDS


def test_a_call_that_is_in_no_table_is_judged_by_its_method() -> None:
    assert class_of("another", "GET") == class_of("get_patient", "GET")
    assert class_of("another", "POST") == class_of("start_network_query", "POST")


async def test_a_class_ends_a_call_before_the_setting_does(
    connect: Connect, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the setting ends one before its class does: tests/cutting/test_not_sent."""
    soon = CallClass(
        name="soon", longest=class_of("probe_key", "GET").longest / 20, largest_answer=1
    )
    monkeypatch.setattr("service.gateway.client.class_of", lambda *_: soon)
    recorder.answers = False
    client = await connect(recorder.url(), seconds=60)
    async with asyncio.timeout(20):
        assert await client.call("probe_key", CALLS["probe_key"]) == Unknown()
