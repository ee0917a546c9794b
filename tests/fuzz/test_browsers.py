"""Whatever a browser brings along: strict headers, known destinations, nothing repeated, never 500."""

import json
import re
import socket
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import event, given

from schemas.topics import Topic
from service.crypto.sealing import place
from service.ingress.responses import STRICT
from tests.fuzz.browsers import CANARY, HOSTED_URL, RETURN_URLS, Visit, likely_visits, wild_visits
from tests.fuzz.profiles import examples
from tests.fuzz.server import Server
from tests.fuzz.wire import PATIENCE, Answer, GarbageError, answers_in
from tests.ingress.opening import OPENER

ALLOWED = {200, 303, 400, 404, 405, 409, 410, 429, 502, 503}
HEADERS = {*STRICT, "content-type", "content-length", "location", "set-cookie", "allow"} | {
    "date",
    "server",
    "connection",
}
WAITING = re.compile(r"/go/[\w-]+/wait/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


class Line:
    """One kept connection: most of the time of a made-up request would go into opening another."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._before: object = None

    def ask(self, request: bytes) -> Answer:
        """Send a request and read its one answer."""
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), PATIENCE)
        self._socket.sendall(request)
        received = b""
        while True:
            part = self._socket.recv(65_536)
            assert part, f"closed within {received!r}; before: {self._before}"
            received += part
            try:
                (answer,) = answers_in(received)
            except GarbageError:
                continue
            self._before = request, answer
            if answer.headers.get("connection") == "close":
                self.close()
            return answer

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None


@pytest.fixture(scope="module")
def line(server: Server) -> Iterator[Line]:
    opened = Line(server.port)
    yield opened
    opened.close()


def prepared(server: Server, visit: Visit) -> None:
    server.keeper.fails = visit.fails
    server.keeper.records.clear()
    server.pages.rows.clear()
    if visit.page is not None:
        server.pages.rows[visit.page.open_id] = visit.page


def assert_known_destination(location: str, visit: Visit) -> None:
    if WAITING.fullmatch(location):
        event("went to the waiting page")
        return
    if location == HOSTED_URL:
        assert visit.may_leave
        event("went to the hosted page")
        return
    split = urlsplit(location)
    given_one = parse_qs(split.query, strict_parsing=True)
    ours = {
        name: given_one.pop(name) for name in ("code", "reference", "outcome") if name in given_one
    }
    assert all(len(values) == 1 for values in ours.values())
    assert ours.keys() in ({"reference"}, {"code", "reference"}, {"outcome", "reference"})
    rest = "&".join(f"{name}={value}" for name, (value,) in given_one.items())
    assert split._replace(query=rest).geturl() in RETURN_URLS
    event(f"went back with {sorted(ours)}")


@given(visit=wild_visits())
@examples(700)
def test_no_visit_whatever_is_a_fault_or_a_way_to_somewhere_else(
    server: Server, line: Line, visit: Visit
) -> None:
    assert_harmless(server, line, visit)


@given(visit=likely_visits())
@examples(700)
def test_no_visit_with_links_and_cookies_of_ours_is_a_fault_or_a_way_to_somewhere_else(
    server: Server, line: Line, visit: Visit
) -> None:
    assert_harmless(server, line, visit)


def assert_harmless(server: Server, line: Line, visit: Visit) -> None:
    prepared(server, visit)
    try:
        answer = line.ask(visit.request())
    except BaseException:
        line.close()
        raise
    assert answer.status in ALLOWED
    assert answer.headers.keys() <= HEADERS
    assert {name: answer.headers.get(name) for name in STRICT} == STRICT
    assert CANARY not in repr(answer)
    event(f"answer {answer.status}")
    assert ("location" in answer.headers) == (answer.status == 303)
    if answer.status == 303:
        assert_known_destination(answer.headers["location"], visit)
    if not answer.headers.get("content-type", "text/html").startswith("text/html"):
        assert answer.body == b""
    assert_only_a_button_and_a_verified_return_leave_a_trace(server, visit, answer)


def assert_only_a_button_and_a_verified_return_leave_a_trace(
    server: Server, visit: Visit, answer: Answer
) -> None:
    """I8: looking, and being sent back unverified, has no effect."""
    if not server.keeper.records:
        return
    (record,) = server.keeper.records
    event(f"left {record.attributes.type}")
    assert answer.status == 303
    assert record.topic == Topic.CALLBACKS
    assert CANARY.encode() not in record.value
    assert "sealedfor" in record.attributes.extensions
    if record.attributes.type == "ias.callback.LinkOpened":
        assert visit.method == "POST"
    else:
        assert "code=" in answer.headers["location"]
        where = place(record.topic, record.attributes.type, record.attributes.id)
        returned = json.loads(OPENER.open(record.value, where))
        assert re.fullmatch(r"[\x21-\x7e]{1,255}", returned["aal2SessionId"])


@pytest.mark.parametrize(
    "target", ["/go/x", "/callbacks/aal2", "/callbacks/identity", "/webhooks/metriport", "/nowhere"]
)
def test_an_expectation_that_nobody_knows_is_not_repeated(line: Line, target: str) -> None:
    request = f"GET {target} HTTP/1.1\r\nHost: x\r\nExpect: {CANARY}\r\n\r\n"
    answer = line.ask(request.encode())
    assert answer.status == 417
    assert CANARY not in repr(answer)
    assert {name: answer.headers.get(name) for name in STRICT} == STRICT
