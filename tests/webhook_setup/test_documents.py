"""``--json``: one document for a program on stdout, while what is done is told to a person on stderr."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from consumers.webhook_setup.account import fingerprint
from tests.metriport_sandbox import DEFAULT_API_KEY
from tests.webhook_setup.conftest import PATIENT, Setup, Start
from tests.webhook_setup.receiver import Receiver

ROOT = Path(__file__).parents[2]
THEIRS = "https://theirs.example.com/hook?token=1"
OURS = "https://ias.example.com/webhooks/metriport"


async def document(setup: Setup, *arguments: str) -> tuple[int | None, dict[str, Any]]:
    """Run the command as a process: its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "consumers", "webhooks", *arguments, "--json"),
        env={
            "METRIPORT_API_URL": setup.sandbox.origin,
            "METRIPORT_API_KEY": DEFAULT_API_KEY,
            "METRIPORT_FACILITY_ID": "0199a001-2b7c-7d10-8e55-0c1d2e3f4a5b",
        },
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, told = await process.communicate()
    await setup.sandbox.background.idle()
    setup.said += [*out.decode().splitlines(), *told.decode().splitlines()]  # I7: no key in them
    assert told
    return process.returncode, json.loads(out)


@pytest.mark.process
async def test_registering_tells_whose_url_it_is_and_what_has_changed(start: Start) -> None:
    setup = await start()
    await setup.account.read()
    file = ("--key-file", str(setup.file.path))
    assert await document(setup, "register", THEIRS, *file) == (
        0,
        {
            "done": True,
            "url": "https://theirs.example.com/hook?…",
            "changed": True,
            "key": fingerprint(setup.key),
        },
    )
    code, taken = await document(setup, "register", OURS, *file)
    assert (code, taken["done"], taken["changed"]) == (1, False, False)
    assert taken["url"] == "https://theirs.example.com/hook?…"


@pytest.mark.process
async def test_a_key_that_the_vendor_kept_is_told_as_not_changed(start: Start) -> None:
    setup = await start()
    await setup.register(OURS)
    told = {"url": OURS, "changed": False, "key": fingerprint(setup.key)}
    file = ("--key-file", str(setup.file.path))
    assert await document(setup, "rotate-key", *file) == (1, {"done": False, **told})


async def test_status_and_verify_tell_what_metriport_says(setup: Setup, receiver: Receiver) -> None:
    await setup.register(receiver.url)
    assert await setup.verify() != 0
    failed = setup.tell.document("verify", done=False)
    assert (failed["verified"], failed["url"]) == (False, receiver.url)
    assert "401" in failed["says"]
    receiver.install(setup.file.path)
    assert await setup.verify(PATIENT) == 0
    assert setup.tell.document("verify", done=True)["verified"] is True
    assert await setup.status(setup.file) == 0
    assert setup.tell.document("status", done=True) == {
        "done": True,
        "url": receiver.url,
        "key": fingerprint(setup.key),
        "key_number": 1,
        "verified": True,
        "says": "OK",
        "under_way": 0,
        "failed": 0,
    }


async def test_what_nobody_knows_is_null(setup: Setup) -> None:
    assert await setup.status() != 0
    assert setup.tell.document("status", done=False) == {
        "done": False,
        "url": None,
        "key": None,
        "key_number": None,
        "verified": False,
        "says": "",
        "under_way": 0,
        "failed": 0,
    }
