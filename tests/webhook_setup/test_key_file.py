"""The file of keys: newest first, nothing dropped, readable for its owner alone (I7)."""

import itertools
import os
import stat
from pathlib import Path

import pytest

from consumers.webhook_setup.errors import SetupError
from consumers.webhook_setup.key_file import KeyFile, with_newest
from service.settings.keyfile import WebhookKeys


@pytest.mark.parametrize(
    ("keys", "key", "expected"),
    [
        ((), "new", ("new",)),
        (("old",), "new", ("new", "old")),
        (("new",), "new", ("new",)),
        (("old", "new"), "new", ("new", "old")),
        (("old", "older"), "new", ("new", "old", "older")),
    ],
)
def test_the_newest_is_in_front_and_the_others_stay(
    keys: tuple[str, ...], key: str, expected: tuple[str, ...]
) -> None:
    assert with_newest(keys, key) == expected


@pytest.mark.parametrize("key", ["", "a,b", "a\nb", " a"])
def test_a_key_that_a_list_cannot_hold_is_refused_and_not_repeated(
    tmp_path: Path, key: str
) -> None:
    file = KeyFile(tmp_path / "keys")
    with pytest.raises(SetupError) as caught:
        file.put(key)
    assert "a,b" not in str(caught.value)
    assert not file.path.exists()


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_written_is_what_the_ingress_reads(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys")
    for key in ("first", "second", "first", "third"):
        file.put(key)
    clock = itertools.count(1.0)
    assert WebhookKeys((), file.path, lambda: next(clock)).current() == (
        b"third",
        b"first",
        b"second",
    )


def test_only_its_owner_may_read_it_whatever_it_was_before(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys")
    before = os.umask(0)
    try:
        file.put("first")
        assert _mode(file.path) == 0o600
        file.path.chmod(0o644)
        file.put("second")
    finally:
        os.umask(before)
    assert _mode(file.path) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]


def test_keys_written_by_hand_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("old, older\n", encoding="utf-8")
    file = KeyFile(path)
    file.put("new")
    assert file.keys() == ("new", "old", "older")


def test_a_file_that_cannot_be_used_is_told_before_anything_is_done(tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish"
    rubbish.write_bytes(b"\xff\xfe")
    for path in (tmp_path / "nowhere" / "keys", tmp_path, rubbish):
        with pytest.raises(SetupError):
            KeyFile(path).check()
    KeyFile(tmp_path / "keys").check()


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = KeyFile(tmp_path / "keys")
    file.put("first")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SetupError, match="cannot be written"):
        file.put("second")
    assert file.keys() == ("first",)
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]
