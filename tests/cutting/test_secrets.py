"""However a call ends, key, session, identity and person stay out of logs, metrics and reprs (I7).

Looked for before anything is masked: masking is the second line.
"""

import logging

import pytest
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from service.gateway.client import USER_AGENT

from .calls import API_KEY, CALLS, CANARY
from .conftest import Connect
from .proxy import Cut, How, Proxy, Way
from .recorder import Recorder, answer

ENDS: dict[str, bytes] = {
    "accepted": answer(body=b'{"sessionUrl":"K4n4ry"}'),
    "accepted, cut short": answer(body=b'{"sessionUrl":"K4n4ry"}')[:-1],
    "refused": answer("400 Bad Request", b'{"title":"K4n4ry","detail":"on [K4n4ry]"}'),
    "a doubt": answer("403 K4n4ry", b'{"message":"K4n4ry"}'),
    "slow down": answer("429 K4n4ry", b"K4n4ry", "Retry-After: K4n4ry"),
    "a fault": answer("500 K4n4ry", b"<p>K4n4ry</p>", content_type="text/html"),
    "moved": answer("302 Found", b"", "Location: http://127.0.0.1/K4n4ry"),
    "moved nowhere": answer("302 Found", b"", "Location: http://[K4n4ry"),
    "too large": answer(body=b"K4n4ry " * 2**18),
    "a cookie": answer("200 OK", b"{}", "Set-Cookie: K4n4ry; Domain=K4n4ry"),
    "no HTTP": b"K4n4ry K4n4ry K4n4ry\r\n\r\n",
    "a header that is none": b"HTTP/1.1 200 OK\r\nK4n4ry K4n4ry\r\n\r\n",
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: K4n4ry\r\n\r\n",
    "an endless header": b"HTTP/1.1 200 OK\r\nX-A: " + b"K4n4ry" * 9999 + b"\r\n\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("end", ENDS)
async def test_no_end_of_a_call_tells_a_secret(
    connect: Connect, recorder: Recorder, caplog: pytest.LogCaptureFixture, end: str
) -> None:
    caplog.set_level(logging.DEBUG)
    recorder.answer = ENDS[end]
    with capture_logs() as lines:
        client = await connect(recorder.url())
        outcomes = [await client.call(name, request) for name, request in CALLS.items()]
    assert CANARY in repr(recorder.requests), "nothing was sent that could be told"
    shown = f"{lines}{caplog.text}{outcomes}{vars(client)}{generate_latest().decode()}"
    assert CANARY not in shown


@pytest.mark.parametrize("how", How)
@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "https://localhost:9", "proxy", "tls"])
async def test_no_broken_connection_tells_a_secret(
    connect: Connect, proxy: Proxy, caplog: pytest.LogCaptureFixture, url: str, how: How
) -> None:
    """Nor does it say nothing: the error's class is what an operator needs."""
    caplog.set_level(logging.DEBUG)
    proxy.cut = Cut(Way.REQUEST, 100, how)
    place = {"proxy": proxy.url(), "tls": proxy.url("https")}.get(url, url)
    with capture_logs() as lines:
        client = await connect(place)
        outcomes = [await client.call(name, request) for name, request in CALLS.items()]
    assert len(lines) == len(CALLS)
    for line, outcome in zip(lines, outcomes, strict=True):
        assert line["event"] == "gateway.call_broken"
        assert line["error"].isidentifier()
        assert line["outcome"] == type(outcome).__name__.lower()
    assert CANARY not in f"{lines}{caplog.text}{outcomes}{vars(client)}"


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (b'{"title":"PatientOptedOutError","detail":"K4n4ry"}', "PatientOptedOutError"),
        (b'{"title":"Missing or invalid parameters"}', "Missing or invalid parameters"),
        (b'{"title":"Somebody has this name"}', None),
        (b'{"title":"aal2_secretError"}', None),
        (b'{"title":["PatientOptedOutError"]}', None),
        (b"<title>PatientOptedOutError</title>", None),
    ],
)
async def test_the_log_names_status_and_title_of_what_was_not_accepted(
    connect: Connect, recorder: Recorder, body: bytes, title: str | None
) -> None:
    """A remedy sends the operator there. Any other text may hold anything."""
    recorder.answer = answer("400 Bad Request", body)
    client = await connect(recorder.url())
    with capture_logs() as lines:
        await client.call("start_network_query", CALLS["start_network_query"])
    assert [(line["event"], line["status"], line["title"]) for line in lines] == [
        ("gateway.call_not_accepted", 400, title)
    ]


def test_who_we_say_we_are_is_no_secret() -> None:
    assert API_KEY not in USER_AGENT
