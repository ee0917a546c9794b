"""What an operator reads of a whole retrieval: that it happened, and nothing of whom (I7)."""

import io
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from service.telemetry import logs
from tests.ingress import vendor
from tests.ingress.raw import exchange, post
from tests.ingress.running import NOWHERE, WEBHOOK_PATH, Ingress, ingress_settings, running
from tests.ingress.steps import HOSTED_URL, a_page, a_step, link, open_id_of, opened
from tests.ingress.tap import Tap
from tests.support.waiting import until

SESSION = "0199canary-of-a-session"
PATIENT = "canary-of-a-patient"
IDENTITY = "canary-of-an-identity"
SUBJECT = "canary-of-a-subject"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything that goes to standard error, with logs set up as in production, at every level."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, logging.raiseExceptions, structlog.get_config())
    levels = {
        name: (logging.getLogger(name).level, logging.getLogger(name).disabled)
        for name in ("aiohttp.access", "aiohttp.server", "aiohttp.client", "asyncio", "aiokafka")
    }
    caught = io.StringIO()
    monkeypatch.setattr(sys, "stderr", caught)
    logs.configure("json", "debug")
    structlog.configure(cache_logger_on_first_use=False)  # later tests set up their own
    yield caught
    root.handlers, level, logging.raiseExceptions, config = before
    root.setLevel(level)
    structlog.configure(**config)
    for name, (old, disabled) in levels.items():
        logging.getLogger(name).setLevel(old)
        logging.getLogger(name).disabled = disabled


def _assert_silent(text: str, *secrets: str) -> None:
    for secret in (SESSION, PATIENT, IDENTITY, SUBJECT, "canary", "aal2SessionId", *secrets):
        assert secret not in text


@pytest.mark.edge
async def test_a_whole_retrieval_leaves_no_secret_and_no_person_in_the_logs(
    written: io.StringIO, ingress: Ingress, tap: Tap
) -> None:
    webhook = vendor.webhook("ias.identity.verified")
    webhook["payload"] = {"patientId": PATIENT, "proofedIdentityId": IDENTITY}
    body = vendor.stringify(webhook)
    assert (await ingress.deliver(body)).status == 200
    assert (await ingress.deliver(body, "0" * 64)).status == 401
    assert (await ingress.deliver(b"canary, not JSON")).status == 200

    step = a_step(subject=SUBJECT, binding=IDENTITY)
    assert (await ingress.get(link(step))).status == 200
    waiting = await opened(ingress, step)
    ingress.pages.rows[open_id_of(waiting)] = a_page(step, open_id_of(waiting), "ready")
    assert (await ingress.get(f"{waiting}?again")).headers["location"] == HOSTED_URL
    cookie = next(iter(ingress.browser.cookie_jar)).value
    returned = await ingress.get(f"/callbacks/aal2?aal2SessionId={SESSION}&status=verified")
    code = returned.headers["location"].partition("code=")[2].partition("&")[0]
    assert len(await tap.new()) == 4

    text = written.getvalue()
    for event in (
        "webhook.published",
        "webhook.not_understood",
        "link.opened",
        "aal2.returned",
    ):
        assert event in text
    _assert_silent(text, link(step).removeprefix("/go/"), cookie, code, vendor.sign(body))
    _assert_silent(text, vendor.KEY, HOSTED_URL)


@pytest.mark.edge
async def test_broken_requests_leave_nothing_of_themselves_in_the_logs(
    written: io.StringIO, ingress: Ingress
) -> None:
    """The HTTP library has words of its own for these, with the request in them."""
    canary = SESSION.encode()
    get = b"GET /callbacks/aal2?aal2SessionId=" + canary
    for request in (
        get + b"&x=" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        get + b" HTTP/9.9\r\nHost: a\r\n\r\n",
        canary + b" / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nCookie: __Host-ias=" + b"canary" * 5_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\ncanary \x00 header\r\n\r\n",
        post(WEBHOOK_PATH, b"", b"Transfer-Encoding: canary"),
    ):
        assert (await exchange(ingress.port, request)).status in {400, 404, 408, 413, 414, 431}
    _assert_silent(written.getvalue())


async def test_kafka_and_postgres_away_leave_no_password_and_no_body_in_the_logs(
    written: io.StringIO,
) -> None:
    async with running(ingress_settings(NOWHERE), connected=False) as ingress:
        webhook = vendor.webhook()
        webhook["payload"] = {"patientId": PATIENT}
        assert (await ingress.deliver(vendor.stringify(webhook))).status == 503
        await until(lambda: "kafka.producer_not_connected" in written.getvalue())
    assert "webhook.not_durable" in written.getvalue()
    _assert_silent(written.getvalue())
