"""What follows from the vendor's answers: tables of cases."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from consumers.webhook_setup.account import (
    Account,
    Health,
    Registration,
    Verdict,
    fingerprint,
    printable,
    read_account,
    read_health,
    registration,
    shown,
    shown_detail,
    usable_url,
    verdict,
)
from schemas.metriport.settings import AccountSettings

SAMPLES = Path(__file__).parent.parent / "samples" / "metriport"
OURS = "https://ias.example.com/webhooks/metriport"
THEIRS = "https://hooks.example.com/metriport"


def _answer(name: str) -> bytes:
    sample: Any = json.loads((SAMPLES / name).read_text(encoding="utf-8"))
    return json.dumps(sample["response"]["body"]).encode()


def test_the_documented_settings_are_read() -> None:
    account = read_account(_answer("api.settings.get.response.json"))
    assert (account.url, account.key) == (THEIRS, "V1StGXR8_Z5jdHi6B-myT")
    assert read_account(_answer("api.settings.get.response.unset.json")) == Account()


def test_an_emptied_url_is_none() -> None:
    assert read_account(b'{"id":"x","webhookUrl":"","webhookKey":""}') == Account()


@pytest.mark.parametrize("body", [b"", b"OK", b"[]", b'{"webhookUrl":5}'])
def test_an_answer_that_is_not_understood_is_no_account(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_account(body)


def test_the_documented_states_are_read() -> None:
    assert read_health(_answer("api.settings.webhook-status.response.ok.json")) == Health(
        verified=True, detail="OK", processing=0, failed=0
    )
    failing = read_health(_answer("api.settings.webhook-status.response.json"))
    assert failing is not None
    assert (failing.verified, failing.processing, failing.failed) == (False, 0, 3)
    assert "timeout of 5000ms exceeded" in failing.detail


@pytest.mark.parametrize(
    ("said", "verified"),
    [
        *((True, True), (False, False), ("true", True), ("false", False)),
        *((None, None), (1, None), ("yes", None), ([], None)),
    ],
)
def test_enabled_is_a_boolean_or_a_string_or_not_said(said: Any, verified: bool | None) -> None:  # noqa: FBT001 - a case of a table
    health = read_health(json.dumps({"webhookEnabled": said}).encode())
    assert health is not None
    assert health.verified is verified


@pytest.mark.parametrize(("said", "count"), [(0, 0), (7, 7), (-1, None), ("3", None), (True, None)])
def test_a_count_that_failed_is_unknown(said: Any, count: int | None) -> None:
    health = read_health(json.dumps({"webhookRequestsFailed": said}).encode())
    assert health is not None
    assert health.failed == count


@pytest.mark.parametrize("body", [b"", b" \n"])
def test_nothing_stored_is_no_health(body: bytes) -> None:
    assert read_health(body) is None


@pytest.mark.parametrize(
    ("present", "replace", "step"),
    [
        (None, False, Registration.SET),
        (None, True, Registration.SET),
        (OURS, False, Registration.PRESENT),
        (OURS, True, Registration.PRESENT),
        (THEIRS, False, Registration.TAKEN),
        (THEIRS, True, Registration.SET),
        (f"{OURS}/", False, Registration.TAKEN),
        (OURS.upper(), False, Registration.TAKEN),
    ],
)
def test_another_url_is_replaced_only_when_that_was_asked_for(
    present: str | None,
    replace: bool,  # noqa: FBT001 - a case of a table
    step: Registration,
) -> None:
    assert registration(present, OURS, replace=replace) is step


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        (None, Verdict.UNKNOWN),
        (Health(), Verdict.UNKNOWN),
        (Health(verified=True), Verdict.VERIFIED),
        (Health(verified=False, detail="Bad response from webhook call"), Verdict.FAILED),
    ],
)
def test_verified_is_what_the_vendor_calls_so(health: Health | None, expected: Verdict) -> None:
    assert verdict(health) is expected


def test_a_fingerprint_tells_keys_apart_and_does_not_tell_them() -> None:
    key = "V1StGXR8_Z5jdHi6B-myT"
    assert fingerprint(key) == f"sha256:{hashlib.sha256(key.encode()).hexdigest()[:8]}"
    assert fingerprint(key) != fingerprint(f"{key}.")


@pytest.mark.parametrize(
    ("url", "line"),
    [
        (THEIRS, THEIRS),
        (None, "none"),
        ("https://hooks.example.com:8443/a", "https://hooks.example.com:8443/a"),
        ("https://hooks.example.com/a?token=K4n4ry", "https://hooks.example.com/a?…"),
        ("https://who:K4n4ry@hooks.example.com/a", "https://…@hooks.example.com/a"),
        ("https://hooks.example.com/\x1b[2J", "https://hooks.example.com/?[2J"),
        ("http://[", "(not a URL)"),
    ],
)
def test_a_url_is_shown_without_credentials_and_query(url: str | None, line: str) -> None:
    assert shown(url) == line


def test_the_vendors_words_are_shown_in_one_line_without_what_the_url_holds() -> None:
    account = Account(url=f"{THEIRS}?token=K4n4ry")
    health = Health(detail=f'Failed to send ({{"url":"{account.url}"}})\n\x1b[1m' + "x" * 400)
    line = shown_detail(account, health)
    assert "K4n4ry" not in line
    assert line.startswith(f'Failed to send ({{"url":"{THEIRS}?…"}})??[1m')
    assert len(line) == 301


def test_what_is_printed_is_one_short_line() -> None:
    assert printable("a\r\nb\u202ec") == "a??b?c"


@pytest.mark.parametrize("url", [OURS, "http://ias.example.com", f"{THEIRS}?tenant=1"])
def test_urls_that_the_vendor_could_call_are_usable(url: str) -> None:
    assert usable_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        *("", "ias.example.com/webhooks", "ftp://ias.example.com", "https://", "http://["),
        *(f"{OURS}#a", "https://ias.example.com/a b", "https://ias.example.com/é"),
        f"{OURS}?{'x' * 2048}",
    ],
)
def test_other_urls_are_not(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        usable_url(url)


def test_keys_do_not_show_themselves() -> None:
    """I7."""
    settings = AccountSettings(webhook_url=THEIRS, webhook_key="K4n4ry")
    for value in (settings, Account(url=THEIRS, key="K4n4ry")):
        assert "K4n4ry" not in f"{value!r} {value}"
