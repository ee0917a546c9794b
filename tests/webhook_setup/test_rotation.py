"""A new key: read back, kept beside the old one, and nothing lost on the way (I6)."""

import asyncio
import json

import pytest

from consumers.webhook_setup.account import Account
from consumers.webhook_setup.errors import SetupError
from consumers.webhook_setup.steps import NOT_DONE, OK
from consumers.webhook_setup.vendor import ATTEMPTS, VendorAccount
from service.gateway.client import VendorClient
from tests.metriport_sandbox import Sandbox
from tests.support.waiting import until
from tests.webhook_setup.conftest import PATIENT, Setup, Start, no_pause
from tests.webhook_setup.receiver import Receiver

PERSON = "0199b0c4-5d1e-7a3c-9b42-3f0a6c2d7e11"


class WhileCleared(VendorAccount):
    """Something happens at the vendor between the clearing of the URL and its setting."""

    def __init__(self, client: VendorClient, happens: asyncio.Event) -> None:
        super().__init__(client, pause=no_pause)
        self.happens = happens
        self.goes_on = asyncio.Event()

    async def set_url(self, url: str) -> Account:
        """See ``VendorAccount.set_url``."""
        account = await super().set_url(url)
        if not url:
            self.happens.set()
            await self.goes_on.wait()
        return account


@pytest.fixture
async def rotating(start: Start, receiver: Receiver) -> Setup:
    """A verified webhook at a vendor that behaves as its docs say."""
    setup = await start(key_rotation="renewed")
    await setup.register(receiver.url)
    receiver.install(setup.file.path)
    assert await setup.verify(PATIENT) == OK
    return setup


def _event(sandbox: Sandbox) -> str:
    """Something for a patient happens; the message's id."""
    fields = {"payload": {"patientId": PERSON, "source": {"type": "hie", "status": "completed"}}}
    row = sandbox.sender.emit("network-query.hie", fields, request_id=None, metadata=None)
    return row.message_id


async def test_the_key_is_renewed_and_the_old_one_stays_behind_it(rotating: Setup) -> None:
    old, url = rotating.key, rotating.url
    posted = len(rotating.posted())
    assert await rotating.rotate() == OK
    assert rotating.key != old
    assert rotating.file.keys() == (rotating.key, old)
    assert rotating.url == url
    bodies = [json.loads(body) for body in rotating.posted()[posted:]]
    assert bodies == [{"webhookUrl": ""}, {"webhookUrl": url}]


async def test_a_key_that_the_vendor_kept_is_told(start: Start, receiver: Receiver) -> None:
    """As the vendor's code of 2025: an empty URL changes nothing."""
    setup = await start(key_rotation="kept")
    await setup.register(receiver.url)
    receiver.install(setup.file.path)
    old = setup.key
    assert await setup.rotate() == NOT_DONE
    assert setup.said[-1].startswith("the key has not changed")
    assert setup.file.keys() == (setup.key,) == (old,)
    assert await setup.verify(PATIENT) == OK


async def test_the_ingress_takes_the_new_key_without_a_restart(
    rotating: Setup, receiver: Receiver
) -> None:
    await rotating.rotate()
    assert await rotating.verify() == NOT_DONE
    receiver.install(rotating.file.path)
    assert await rotating.verify(PATIENT) == OK


async def test_nothing_that_is_sent_around_a_rotation_is_lost(
    rotating: Setup, receiver: Receiver
) -> None:
    """I6: before it, while there is no URL, refused for the new key, and after it."""
    sandbox, cleared = rotating.sandbox, asyncio.Event()
    sent = [_event(sandbox)]
    account = WhileCleared(rotating.client, cleared)
    rotation = asyncio.create_task(rotating.rotate(account))
    await cleared.wait()
    sent.append(_event(sandbox))
    await until(lambda: sandbox.sender.counts() == (0, 1))
    account.goes_on.set()
    assert await rotation == OK
    sent.append(_event(sandbox))
    await sandbox.background.idle()
    assert sandbox.sender.counts() == (0, 2)
    assert len(receiver.records) == 1

    receiver.install(rotating.file.path)
    sent.append(_event(sandbox))
    sandbox.sender.retry_failures()
    await sandbox.background.idle()
    assert sandbox.sender.counts() == (0, 0)
    kept = [json.loads(body)["meta"]["messageId"] for body in receiver.bodies()]
    assert sorted(kept) == sorted(sent)


async def test_what_the_old_key_signed_is_still_taken(rotating: Setup, receiver: Receiver) -> None:
    """A delivery that left the vendor before the rotation may arrive after it."""
    old = rotating.key
    await rotating.rotate()
    receiver.install(rotating.file.path)
    rotating.sandbox.state.settings.webhook_key = old
    _event(rotating.sandbox)
    await rotating.sandbox.background.idle()
    assert len(receiver.records) == 1


async def test_an_interrupt_in_between_leaves_the_url_set(rotating: Setup) -> None:
    url, cleared = rotating.url, asyncio.Event()
    old = rotating.key
    rotation = asyncio.create_task(rotating.rotate(WhileCleared(rotating.client, cleared)))
    await cleared.wait()
    assert await rotating.account.read() == Account()
    rotation.cancel()
    with pytest.raises(asyncio.CancelledError):
        await rotation
    assert rotating.url == url
    assert url is not None
    assert await rotating.register(url) == OK
    assert rotating.file.keys() == (rotating.key, old)


async def test_a_url_that_could_not_be_set_again_is_said_loudly_and_can_be_registered(
    rotating: Setup,
) -> None:
    url, cleared, old = rotating.url, asyncio.Event(), rotating.key
    account = WhileCleared(rotating.client, cleared)
    rotation = asyncio.create_task(rotating.rotate(account))
    await cleared.wait()
    fault = {"operation": "update-settings", "kind": "status", "status": 503, "times": ATTEMPTS}
    rotating.sandbox.scripts.add_fault(fault)
    account.goes_on.set()
    with pytest.raises(SetupError) as caught:
        await rotation
    assert url is not None
    assert f"register {url} again, now" in str(caught.value)
    assert old not in str(caught.value)
    assert await rotating.register(url) == OK
    assert rotating.file.keys() == (rotating.key, old)


async def test_a_rotation_whose_answers_are_lost_is_read_back(rotating: Setup) -> None:
    old = rotating.key
    lost = {"operation": "update-settings", "kind": "drop-answer", "times": 4}
    rotating.sandbox.scripts.add_fault(lost)
    assert await rotating.rotate() == OK
    assert rotating.file.keys() == (rotating.key, old)
    assert rotating.key != old
