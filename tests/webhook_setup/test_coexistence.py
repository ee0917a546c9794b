"""Beside another integration: its receiver forwards to us, or it reads our topic (deploy/README.md)."""

import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from consumers.webhook_setup.steps import NOT_DONE, OK
from schemas.topics import Topic
from tests.metriport_sandbox.sender import WebhookRow
from tests.webhook_setup.conftest import PATIENT, Setup
from tests.webhook_setup.receiver import Receiver

README = Path(__file__).parents[2] / "deploy" / "README.md"
PERSON = "0199b0c4-5d1e-7a3c-9b42-3f0a6c2d7e11"
TREATMENT = {"payload": {"patientId": PERSON, "source": {"type": "lab", "status": "completed"}}}
ADMIT = {"payload": {"patientId": PERSON, "facility": "Clínica ⚕ \u2028 <1>", "url": "https://x/y"}}
IDENTITY = {"payload": {"patientId": PERSON, "proofedIdentityId": "pid_1", "status": "active"}}


@asynccontextmanager
async def _theirs(app: web.Application) -> AsyncIterator[str]:
    async with TestServer(app) as server:
        yield str(server.make_url("/metriport"))


def _documented(ingress: str) -> web.Application:
    """The application that the documentation shows, forwarding to this ingress."""
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    module: dict[str, Any] = {}
    exec(compile(code, str(README), "exec"), module)  # noqa: S102 - our own document, which is tested
    module["INGRESS"] = ingress
    app = module["application"]()
    assert isinstance(app, web.Application)
    return app


@pytest.fixture
async def forwarding(setup: Setup, receiver: Receiver) -> AsyncIterator[str]:
    """Their URL is the account's, and we have the key."""
    async with _theirs(_documented(receiver.url)) as url:
        await setup.register(url)
        receiver.install(setup.file.path)
        yield url


async def _send(setup: Setup, kind: str, fields: dict[str, Any]) -> WebhookRow:
    row = setup.sandbox.sender.emit(kind, fields, request_id=None, metadata={"flow": "é"})
    await setup.sandbox.background.idle()
    return row


@pytest.mark.usefixtures("forwarding")
async def test_a_ping_through_their_receiver_verifies_ours(setup: Setup) -> None:
    assert await setup.verify(PATIENT) == OK
    assert await setup.status(setup.file) == OK


@pytest.mark.usefixtures("forwarding")
async def test_what_they_forward_arrives_byte_for_byte(setup: Setup, receiver: Receiver) -> None:
    rows = [
        await _send(setup, "network-query.lab", TREATMENT),
        await _send(setup, "patient.admit", ADMIT),
        await _send(setup, "ias.identity.verified", IDENTITY),
    ]
    assert [row.status for row in rows] == ["success"] * 3
    assert receiver.bodies() == [row.deliveries[0].body.encode() for row in rows]


@pytest.mark.usefixtures("forwarding")
async def test_our_no_is_theirs_so_that_the_vendor_keeps_it(
    setup: Setup, receiver: Receiver
) -> None:
    """I6: nowhere to keep it is 503, through them as well, and the re-send brings it."""
    receiver.takes = False
    row = await _send(setup, "network-query.lab", TREATMENT)
    assert (row.status, row.deliveries[0].status) == ("failure", 503)
    receiver.takes = True
    setup.sandbox.sender.retry_failures()
    await setup.sandbox.background.idle()
    assert row.status == "success"
    assert json.loads(receiver.bodies()[0])["meta"]["messageId"] == row.message_id


async def test_a_receiver_that_writes_the_body_again_is_found_out(
    setup: Setup, receiver: Receiver
) -> None:
    """As most frameworks do it: parsed, and sent on as JSON."""

    async def again(request: web.Request) -> web.Response:
        signature = request.headers["x-metriport-signature"]
        async with (
            ClientSession(headers={"x-metriport-signature": signature}) as session,
            session.post(receiver.url, json=await request.json()) as answer,
        ):
            return web.Response(status=answer.status, body=await answer.read())

    app = web.Application()
    app.router.add_post("/metriport", again)
    async with _theirs(app) as url:
        await setup.register(url)
        receiver.install(setup.file.path)
        row = await _send(setup, "patient.admit", ADMIT)
        assert (row.status, row.deliveries[0].status) == ("failure", 401)
        assert await setup.verify() == NOT_DONE
        assert setup.said[-1].endswith("what forwards to it changes the body")
    assert receiver.records == []


async def test_a_forwarder_reaches_nobody_with_bodies_that_the_vendor_did_not_sign(
    forwarding: str, receiver: Receiver
) -> None:
    async with (
        ClientSession() as session,
        session.post(forwarding, json=TREATMENT, headers={"x-metriport-signature": "0" * 64}) as no,
    ):
        assert no.status == 401
    assert receiver.records == []


async def test_readers_of_the_topic_find_every_webhook_and_can_verify_it_themselves(
    setup: Setup, receiver: Receiver
) -> None:
    """Treatment's and unknown ones too; what names an identity is sealed and not for them."""
    await setup.register(receiver.url)
    receiver.install(setup.file.path)
    rows = [
        await _send(setup, "network-query.lab", TREATMENT),
        await _send(setup, "patient.admit", ADMIT),
        await _send(setup, "patient.invented", ADMIT),
        await _send(setup, "ias.identity.verified", IDENTITY),
    ]
    await setup.verify(PATIENT)
    for row, record in zip(rows, receiver.records, strict=True):
        assert record.topic is Topic.WEBHOOKS
        assert record.topic.value == "metriport.webhooks.v1"
        assert (record.attributes.id, record.attributes.type) == (
            row.message_id,
            f"metriport.{row.type}",
        )
        assert ("sealedfor" in record.attributes.extensions) is (
            row.type in {"patient.invented", "ias.identity.verified"}
        )
    for record in receiver.records[:2]:
        made = hmac.new(setup.key.encode(), record.value, hashlib.sha256).hexdigest()
        assert record.attributes.extensions["vendorsignature"] == made
