"""Registering, looking and verifying, against a double that behaves as the vendor's docs and code say."""

import pytest

from consumers.webhook_setup.account import fingerprint
from consumers.webhook_setup.errors import SetupError
from consumers.webhook_setup.key_file import KeyFile
from consumers.webhook_setup.steps import NOT_DONE, OK
from consumers.webhook_setup.vendor import ATTEMPTS, VendorAccount
from service.gateway.client import open_client
from tests.webhook_setup.conftest import PATIENT, Setup, Start, metriport, no_pause
from tests.webhook_setup.receiver import Receiver

THEIRS = "http://hooks.test/metriport"


async def test_a_free_account_gets_our_url_and_the_file_its_key(
    setup: Setup, receiver: Receiver
) -> None:
    assert await setup.register(receiver.url) == OK
    assert setup.url == receiver.url
    assert setup.file.keys() == (setup.key,)
    assert setup.said[0] == "present URL: none"


async def test_the_first_ping_comes_before_the_key_and_a_later_one_verifies(
    setup: Setup, receiver: Receiver
) -> None:
    """The vendor pings at once, so the first registration is never verified by itself."""
    await setup.register(receiver.url)
    assert await setup.verify() == NOT_DONE
    assert setup.said[-1].startswith("401: the receiver does not have the key yet")
    receiver.install(setup.file.path)
    assert await setup.verify(PATIENT) == OK
    assert await setup.status(setup.file) == OK
    assert receiver.records == []


async def test_verify_goes_on_pinging_until_the_key_is_there(
    setup: Setup, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await setup.register(receiver.url)
    asked, set_url = [], setup.account.set_url

    async def mounted_later(url: str) -> object:
        asked.append(url)
        if len(asked) == 3:
            receiver.install(setup.file.path)
        return await set_url(url)

    monkeypatch.setattr(setup.account, "set_url", mounted_later)
    assert await setup.verify(PATIENT) == OK
    assert len(asked) >= 3
    assert set(asked) == {receiver.url}


async def test_a_report_from_before_the_ping_is_not_taken_for_its_outcome(
    setup: Setup, receiver: Receiver
) -> None:
    await setup.register(receiver.url)
    receiver.install(setup.file.path)
    assert await setup.verify(PATIENT) == OK
    receiver.forget_keys()
    assert setup.sandbox.state.settings.webhook_enabled
    assert await setup.verify() == NOT_DONE


async def test_another_url_is_shown_and_stays(setup: Setup, receiver: Receiver) -> None:
    await setup.register(f"{THEIRS}?token=1")
    before = (setup.url, len(setup.posted()), setup.file.keys())
    setup.said.clear()
    assert await setup.register(receiver.url) == NOT_DONE
    assert setup.said[0] == f"present URL: {THEIRS}?…"
    assert "nothing was changed" in setup.said[1]
    assert before == (
        setup.url,
        len(setup.posted()),
        setup.file.keys(),
    )


async def test_another_url_is_replaced_when_that_is_said_and_the_key_stays(
    setup: Setup, receiver: Receiver
) -> None:
    await setup.register(THEIRS)
    key = setup.key
    assert await setup.register(receiver.url, replace=True) == OK
    assert setup.url == receiver.url
    assert setup.file.keys() == (setup.key,) == (key,)


async def test_a_key_that_stays_is_in_the_file_before_the_url_is_ours(
    setup: Setup, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever mounts that file already can take the first delivery."""
    await setup.register(THEIRS)
    setup.file.path.unlink()
    there, set_url = [], setup.account.set_url

    async def looked_at(url: str) -> object:
        there.append(setup.file.keys())
        return await set_url(url)

    monkeypatch.setattr(setup.account, "set_url", looked_at)
    await setup.register(receiver.url, replace=True)
    assert there == [(setup.key,)]


async def test_the_present_url_is_not_sent_again_and_its_key_is_kept(
    setup: Setup, receiver: Receiver
) -> None:
    """How to fetch the key of a URL that stays, and how to go on after a crash."""
    await setup.register(receiver.url)
    setup.file.path.write_text("older", encoding="utf-8")
    posted = len(setup.posted())
    assert await setup.register(receiver.url) == OK
    assert len(setup.posted()) == posted
    assert setup.file.keys() == (setup.key, "older")


async def test_nothing_is_changed_when_the_key_could_not_be_kept(setup: Setup) -> None:
    setup.file = KeyFile(setup.file.path / "nowhere" / "keys")
    for step in (setup.register(THEIRS), setup.rotate()):
        with pytest.raises(SetupError, match="cannot be"):
            await step
    assert setup.sandbox.ledger.calls == []


async def test_a_url_that_the_vendor_refuses_is_explained(start: Start) -> None:
    setup = await start(allow_loopback=False)
    for url in ("https://localhost/webhooks/metriport", "https://ias.eu.amazonaws.com/hook"):
        with pytest.raises(SetupError, match="/internal or four zeros"):
            await setup.register(url)
    assert setup.url is None
    assert setup.file.keys() == ()


async def test_a_refused_api_key_is_said(setup: Setup) -> None:
    await setup.account.read()
    async with open_client(metriport(setup.sandbox.origin, "another")) as client:
        setup.account = VendorAccount(client, pause=no_pause)
        for step in (setup.register(THEIRS), setup.verify(), setup.rotate(), setup.status()):
            with pytest.raises(SetupError, match="does not accept METRIPORT_API_KEY"):
                await step


async def test_what_may_pass_is_repeated_and_then_said(setup: Setup) -> None:
    fault = {"operation": "get-settings", "kind": "status", "status": 502, "times": 2}
    setup.sandbox.scripts.add_fault(fault)
    limited = {"operation": "get-settings", "kind": "status", "status": 429, "times": 1}
    setup.sandbox.scripts.add_fault(limited)
    lost = {"operation": "update-settings", "kind": "drop-answer", "times": 2}
    setup.sandbox.scripts.add_fault(lost)
    assert await setup.register(THEIRS) == OK
    assert len(setup.posted()) == 3
    setup.sandbox.scripts.add_fault(fault | {"times": ATTEMPTS})
    with pytest.raises(SetupError, match="does not answer"):
        await setup.status()


async def test_status_tells_what_is_there(setup: Setup, receiver: Receiver) -> None:
    assert await setup.status() == NOT_DONE
    assert setup.said[:2] == ["URL: none", "key: none"]
    await setup.register(receiver.url)
    receiver.install(setup.file.path)
    await setup.verify(PATIENT)
    setup.said.clear()
    assert await setup.status(setup.file) == OK
    name = fingerprint(setup.key)
    assert setup.said == [
        f"URL: {receiver.url}",
        f"key: {name}, number 1 of 1 in {setup.file.path}",
        "verified: yes; Metriport says: OK",
        "deliveries under way: 0, failed: 0",
    ]


async def test_a_key_that_the_file_lacks_is_told(setup: Setup, receiver: Receiver) -> None:
    await setup.register(receiver.url)
    receiver.install(setup.file.path)
    await setup.verify(PATIENT)
    setup.file.path.write_text("another", encoding="utf-8")
    assert await setup.status(setup.file) == NOT_DONE
    assert [line for line in setup.said if "which is not in" in line]


async def test_a_state_in_words_is_understood(start: Start, receiver: Receiver) -> None:
    setup = await start(webhook_enabled="string")
    await setup.register(receiver.url)
    assert await setup.verify() == NOT_DONE
    receiver.install(setup.file.path)
    assert await setup.verify(PATIENT) == OK


async def test_there_is_nothing_to_verify_or_to_rotate_without_a_url(setup: Setup) -> None:
    for step in (setup.verify(), setup.rotate()):
        with pytest.raises(SetupError, match="register one first"):
            await step
    assert setup.posted() == []


async def test_somebody_who_registers_at_the_same_moment_is_noticed(
    setup: Setup, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Metriport has in the end counts, and its key is kept all the same."""
    set_url = setup.account.set_url

    async def overtaken(url: str) -> object:
        await set_url(url)
        return await set_url(THEIRS)

    monkeypatch.setattr(setup.account, "set_url", overtaken)
    with pytest.raises(SetupError, match=f"shows {THEIRS}"):
        await setup.register(receiver.url)
    assert setup.file.keys() == (setup.key,)
