"""Reads settings one by one, collects every problem, and can describe what it would read.

``NAME_FILE`` names a file that holds the value of ``NAME``, for mounted secrets. No problem text
holds a value.
"""

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

from service.crypto.keys import KEY_BYTES
from service.settings.secret import Secret
from service.settings.urls import absolute, base_url, database_url, guarded_url

T = TypeVar("T")
_PLACEHOLDER_URLS = ("https://placeholder.invalid", "postgresql://placeholder.invalid")


class Described(NamedTuple):
    """One setting as the documentation shows it."""

    name: str
    kind: str
    default: str | None
    meaning: str
    secret: bool


class SettingsError(Exception):
    """Missing or wrong settings, all of them, by name."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Reader:
    """Reads from one environment. Wrong values give a problem and a placeholder to go on with."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []
        self.described: list[Described] = []

    def text(self, name: str, meaning: str, default: str | None = None) -> str:
        """Plain text."""
        return self._read(name, "text", meaning, default, str)

    def optional_text(self, name: str, meaning: str) -> str | None:
        """Plain text that may be absent."""
        return self._read(name, "text", meaning, "", str) or None

    def choice(self, name: str, meaning: str, options: tuple[str, ...], default: str) -> str:
        """One of a few words."""

        def parse(raw: str) -> str:
            if raw not in options:
                raise ValueError(f"must be one of {', '.join(options)}")
            return raw

        return self._read(name, " | ".join(options), meaning, default, parse)

    def flag(self, name: str, meaning: str, *, default: bool) -> bool:
        """``true`` or ``false``."""
        word = self.choice(name, meaning, ("true", "false"), "true" if default else "false")
        return word == "true"

    def integer(self, name: str, meaning: str, default: int, least: int, most: int) -> int:
        """A whole number within bounds."""

        def parse(raw: str) -> int:
            if not raw.isascii() or not raw.isdigit() or not least <= int(raw) <= most:
                raise ValueError(f"must be a whole number from {least} to {most}")
            return int(raw)

        return self._read(name, f"{least} to {most}", meaning, str(default), parse)

    def url(self, name: str, meaning: str) -> str:
        """An http(s) URL without query or fragment; a trailing slash is cut off."""
        return self._read(name, "URL", meaning, None, base_url)

    def guarded_url(self, name: str, meaning: str) -> str:
        """As ``url``, with TLS; without it on this machine only, because secrets are sent there."""
        return self._read(name, "URL", meaning, None, guarded_url)

    def urls(self, name: str, meaning: str) -> frozenset[str]:
        """A comma-separated list of http(s) URLs."""

        def parse(raw: str) -> frozenset[str]:
            for part in _some_parts(raw):
                absolute(part)
            return frozenset(_parts(raw))

        return self._read(name, "URLs, comma-separated", meaning, None, parse) or frozenset()

    def secret(self, name: str, meaning: str) -> Secret[str]:
        """Secret text."""
        return Secret(self._read(name, "secret", meaning, None, str, secret=True))

    def database_url(self, name: str, meaning: str) -> Secret[str]:
        """A postgresql:// URL, which holds a password."""
        return Secret(self._read(name, "secret", meaning, None, database_url, secret=True))

    def header_secret(self, name: str, meaning: str) -> Secret[str]:
        """Secret text that is sent as a header: visible ASCII characters."""
        return Secret(self._read(name, "secret", meaning, None, _header, secret=True))

    def optional_secret(self, name: str, meaning: str) -> Secret[str] | None:
        """Secret text that may be absent."""
        value = self._read(name, "secret", meaning, "", str, secret=True)
        return Secret(value) if value else None

    def secrets(self, name: str, meaning: str) -> Secret[tuple[str, ...]]:
        """Several secrets, newest first, separated by commas or line breaks."""
        kind = "secrets, newest first"
        return Secret(self._read(name, kind, meaning, None, _some_parts, secret=True))

    def keys(self, name: str, meaning: str) -> Secret[tuple[bytes, ...]]:
        """Keys of 32 bytes in base64, newest first."""
        raw = self._read(name, "base64 keys, newest first", meaning, None, _keys, secret=True)
        return Secret(raw or (bytes(KEY_BYTES),))

    def key(self, name: str, meaning: str) -> Secret[bytes]:
        """One private key of 32 bytes in base64."""
        raw = self._read(name, "base64 key", meaning, None, _one_key, secret=True)
        return Secret(raw or bytes(KEY_BYTES))

    def optional_keys(self, name: str, meaning: str) -> Secret[tuple[bytes, ...]] | None:
        """Keys of 32 bytes in base64, newest first, that may be absent."""

        def parse(raw: str) -> tuple[bytes, ...]:
            return _keys(raw) if raw else ()

        keys = self._read(name, "base64 keys, newest first", meaning, "", parse, secret=True)
        return Secret(keys) if keys else None

    def public_keys(self, name: str, meaning: str) -> tuple[bytes, ...]:
        """Public keys of 32 bytes in base64, newest first."""
        return self._read(name, "base64 keys, newest first", meaning, None, _keys)

    def public_key(self, name: str, meaning: str) -> bytes:
        """One public key of 32 bytes in base64."""
        return self._read(name, "base64 key", meaning, None, lambda raw: _keys(raw)[0]) or bytes(32)

    def path_of(self, name: str) -> Path | None:
        """The file that holds ``name``, where one is mounted."""
        raw = self._environ.get(f"{name}_FILE")
        return Path(raw) if raw else None

    def _read(
        self,
        name: str,
        kind: str,
        meaning: str,
        default: str | None,
        parse: Callable[[str], T],
        *,
        secret: bool = False,
    ) -> T:
        self.described.append(Described(name, kind, default, meaning, secret))
        raw = self._raw(name)
        if raw is None and default is None:
            self.problems.append(f"{name} is missing ({meaning})")
            return parse_placeholder(parse)
        try:
            return parse(default or "" if raw is None else raw)
        except ValueError as error:
            self.problems.append(f"{name} {error}")
            return parse_placeholder(parse) if default is None else parse(default)

    def _raw(self, name: str) -> str | None:
        path = self.path_of(name)
        if path is not None:
            try:
                return path.read_text(encoding="utf-8").strip() or None
            except (OSError, UnicodeDecodeError) as error:
                self.problems.append(f"{name}_FILE cannot be read ({type(error).__name__})")
                return None
        return self._environ.get(name, "").strip() or None


def parse_placeholder(parse: Callable[[str], T]) -> T:
    """Something of the right shape to go on with after a problem; never used, for loading fails."""
    for candidate in ("0", *_PLACEHOLDER_URLS, "A" * 43 + "=", "false"):
        try:
            return parse(candidate)
        except ValueError:
            continue
    return parse("1")


def _parts(raw: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in raw.replace("\n", ",").split(",") if part.strip())


def _some_parts(raw: str) -> tuple[str, ...]:
    parts = _parts(raw)
    if not parts:
        raise ValueError("must name at least one")
    return parts


def _header(raw: str) -> str:
    if not raw.isascii() or not raw.isprintable() or " " in raw:
        raise ValueError("must be visible ASCII characters without blanks")
    return raw


def _one_key(raw: str) -> bytes:
    keys = _keys(raw)
    if len(keys) != 1:
        raise ValueError("must be one key")
    return keys[0]


def _keys(raw: str) -> tuple[bytes, ...]:
    try:
        keys = tuple(base64.b64decode(part, validate=True) for part in _parts(raw))
    except ValueError:
        raise ValueError("must be base64") from None
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise ValueError(f"must be keys of {KEY_BYTES} bytes")
    return keys
