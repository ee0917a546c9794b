"""Webhook keys follow their mounted file, under a clock of the test's own."""

import os
from pathlib import Path

import pytest

from service.settings.keyfile import WebhookKeys
from service.settings.roles import IngressSettings, Role, load

from .environment import REQUIRED


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.write_text("first\n", encoding="utf-8")
    return path


def _rotate(path: Path, content: bytes) -> None:
    """As Kubernetes does it: another file takes the name."""
    fresh = path.with_suffix(".fresh")
    fresh.write_bytes(content)
    fresh.replace(path)


def test_a_rotated_file_is_in_force_within_a_second(file: Path, clock: Clock) -> None:
    keys = WebhookKeys(("first",), file, clock)
    _rotate(file, b"second\nfirst\n")
    clock.now += 1.0
    assert keys.current() == (b"second", b"first")
    _rotate(file, b"second")
    clock.now += 1.0
    assert keys.current() == (b"second",)


def test_the_file_is_not_looked_at_for_every_webhook(file: Path, clock: Clock) -> None:
    keys = WebhookKeys(("first",), file, clock)
    _rotate(file, b"second")
    clock.now += 0.9
    assert keys.current() == (b"first",)


def test_a_file_that_changed_while_the_process_started_is_noticed(file: Path, clock: Clock) -> None:
    _rotate(file, b"second")
    keys = WebhookKeys(("first",), file, clock)
    clock.now += 1.0
    assert keys.current() == (b"second",)


def test_a_file_written_in_place_is_noticed(file: Path, clock: Clock) -> None:
    keys = WebhookKeys(("first",), file, clock)
    clock.now += 1.0
    assert keys.current() == (b"first",)
    file.write_text("second", encoding="utf-8")
    os.utime(file, ns=(1, 1))
    clock.now += 1.0
    assert keys.current() == (b"second",)


@pytest.mark.parametrize("content", [b"", b" \n,\n", b"\xff\xfe"])
def test_a_file_without_a_usable_key_leaves_the_last_good_keys(
    file: Path, clock: Clock, content: bytes
) -> None:
    keys = WebhookKeys(("first",), file, clock)
    _rotate(file, content)
    clock.now += 1.0
    assert keys.current() == (b"first",)
    _rotate(file, b"second")
    clock.now += 1.0
    assert keys.current() == (b"second",)


def test_a_vanished_file_leaves_the_last_good_keys(file: Path, clock: Clock) -> None:
    keys = WebhookKeys(("first",), file, clock)
    file.unlink()
    clock.now += 1.0
    assert keys.current() == (b"first",)
    file.write_text("second", encoding="utf-8")
    clock.now += 1.0
    assert keys.current() == (b"second",)


def test_keys_from_a_variable_stay(clock: Clock) -> None:
    keys = WebhookKeys(("one", "zwei-ü"), None, clock)
    clock.now += 100.0
    assert keys.current() == (b"one", "zwei-ü".encode())


def test_keys_do_not_show_themselves(clock: Clock) -> None:
    """I7."""
    assert "K4n4ry" not in repr(WebhookKeys(("K4n4ry",), None, clock))


def test_the_settings_hand_the_file_on(file: Path) -> None:
    environ = {**REQUIRED[Role.INGRESS], "METRIPORT_WEBHOOK_KEYS_FILE": str(file)}
    settings = load(Role.INGRESS, environ)
    assert isinstance(settings, IngressSettings)
    assert settings.webhooks.keys.current() == (b"first",)
