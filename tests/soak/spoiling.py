"""Bodies by the million: what ``tests.fuzz.bodies`` makes up with hypothesis, made with ``random`` alone.

The same samples, hostile values, names and ways to spoil, a hundred times faster: a sample is written
once, and where its entries stand in the text is remembered, so that spoiling one is cutting bytes.
"""

import json
from collections.abc import Iterator
from random import Random
from typing import Any, Final, NamedTuple

from tests.fuzz.bodies import HOSTILE, NAMES, SECRETS, WEBHOOKS, Text, as_pairs, written

_LONG: Final = 2_000
_SHORT_ONES: Final = [one for one in HOSTILE if len(one) <= _LONG]
_LONG_ONES: Final = [one for one in HOSTILE if len(one) > _LONG]
_WORDS: Final = [*NAMES, *SECRETS, "network-query.hie", "ias.identity.verified"]
_NUMBERS: Final = [0, -1, 2**53 + 1, -(2**63), 2**64, 1.5, 5e-324, float("nan"), float("inf")]
_ALPHABETS: Final = [
    (0x20, 0x7E),
    (0x20, 0x7E),
    (0, 0x1F),
    (0x80, 0x7FF),
    (0x800, 0xD7FF),
    (0xE000, 0xFFFF),
    (0x10000, 0x10FFFF),
]
_BAD_KEYS: Final = [b'"\\ud800"', b'"\\u0000"', b"7", b"", b'"a', b'"\xff"']
_BEFORE: Final = [b"\xef\xbb\xbf", b" \r\n\t", b"\x00", b"\x1e", b")]}',\n"]
_TEMPLATE: Final = (
    b'{%b"meta":{"messageId":"m-1","type":"network-query.hie"},"payload":{"patientId":%b}}'
)


class Entry(NamedTuple):
    """Where one entry of an object or array stands in a text; ``value`` is its start in an array."""

    start: int
    value: int
    end: int


class Sample(NamedTuple):
    """A text and all its entries, the outer ones before those within."""

    text: bytes
    entries: tuple[Entry, ...]


def sample_of(content: Any) -> Sample:
    """The sample as ``tests.fuzz.bodies`` writes it."""
    node = as_pairs(content)
    return Sample(written(node), tuple(_entries(node, 0)))


def _entries(node: Any, at: int) -> Iterator[Entry]:
    if isinstance(node, Text):
        return
    start = at + 1
    for one in node if isinstance(node, list) else node["pairs"]:
        key, inner = one if isinstance(one, tuple) else (None, one)
        value = start if key is None else start + len(key.raw) + 1
        end = value + len(written(inner))
        yield Entry(start, value, end)
        yield from _entries(inner, value)
        start = end + 1


SAMPLES: Final = [sample_of(webhook) for webhook in WEBHOOKS]


def a_body(rng: Random) -> bytes:
    """What an authentic sender could send, and worse; most of it is a spoilt sample."""
    kind = rng.random()
    if kind < 0.05:
        return rng.randbytes(int(rng.random() * 500))
    if kind < 0.12:
        return json.dumps(value(rng, 4)).encode()
    if kind < 0.32:
        return _TEMPLATE % (rng.choice([b"", b'"x":1,', b'"patientId":"p",']), fragment(rng))
    return spoilt(rng, rng.choice(SAMPLES))


def spoilt(rng: Random, sample: Sample) -> bytes:
    """The sample with up to four entries spoilt, and perhaps its bytes disturbed."""
    picked = {rng.choice(sample.entries) for _ in range(int(rng.random() * 5))}
    text, grown = sample.text, list[tuple[int, int]]()
    for entry in sorted(picked, reverse=True):  # from behind, so that the places before stay
        within = sum(more for start, more in grown if start < entry.end)
        changed = _spoil(rng, text, entry._replace(end=entry.end + within))
        grown.append((entry.start, len(changed) - len(text)))
        text = changed
    return text if rng.random() < 0.65 else _disturbed(rng, text)


def _spoil(rng: Random, text: bytes, entry: Entry) -> bytes:
    start, at, end = entry
    what = rng.choice(["drop", "replace", "double", "rename", "wrap", "add"])
    if what == "drop":
        return _without(text, start, end)
    if what == "replace":
        return text[:at] + fragment(rng) + text[end:]
    if what == "wrap":
        return b"%b[%b]%b" % (text[:at], text[at:end], text[end:])
    if what == "rename":
        return text if start == at else text[:start] + _key(rng) + text[at - 1 :]
    again = text[start:at] if what == "double" else (b"" if start == at else _key(rng) + b":")
    content = text[at:end] if what == "double" and rng.random() < 0.5 else fragment(rng)
    return b"%b,%b%b%b" % (text[:end], again, content, text[end:])


def _without(text: bytes, start: int, end: int) -> bytes:
    """An entry less, and the comma that went with it."""
    if text[end : end + 1] == b",":
        end += 1
    elif text[start - 1 : start] == b",":
        start -= 1
    return text[:start] + text[end:]


def _disturbed(rng: Random, text: bytes) -> bytes:
    how, at = (
        rng.choice(["cut", "splice", "before", "behind", "utf16"]),
        rng.randrange(len(text) + 1),
    )
    if how == "cut":
        return text[:at]
    if how == "splice":
        return text[:at] + rng.randbytes(rng.randrange(5)) + text[at + rng.randrange(4) :]
    if how == "before":
        return rng.choice(_BEFORE) + text
    if how == "behind":
        return text + rng.choice([b"\n", b"\x00", b"{}", b",", text])
    return text.decode("latin-1").encode("utf-16-le")


def fragment(rng: Random) -> bytes:
    """What stands where a value should. A long one is rare: it costs as much as a hundred others."""
    kind = rng.random()
    if kind < 0.005:
        return rng.choice(_LONG_ONES)
    if kind < 0.4:
        return rng.choice(_SHORT_ONES)
    if kind < 0.6:
        return json.dumps(value(rng, 3)).encode()
    if kind < 0.8:
        return json.dumps(_text(rng), ensure_ascii=False).encode()
    return spelled(rng, rng.choice(SECRETS))


def _key(rng: Random) -> bytes:
    kind = rng.random()
    if kind < 0.5:
        return b'"%b"' % rng.choice(NAMES).encode()
    return spelled(rng, rng.choice(SECRETS)) if kind < 0.85 else rng.choice(_BAD_KEYS)


def spelled(rng: Random, text: str) -> bytes:
    """A JSON string that reads as ``text``, in letters of any case, with any of them escaped."""
    escaped = rng.choice([0.0, 0.5, 1.0])
    letters = (one.upper() if rng.random() < 0.5 else one.lower() for one in text)
    return b'"%b"' % b"".join(
        (b"\\u%04X" if rng.random() < 0.5 else b"\\u%04x") % ord(letter)
        if rng.random() < escaped
        else letter.encode()
        for letter in letters
    )


def value(rng: Random, deep: int) -> Any:
    """Any JSON value, and floats that JSON has not."""
    kind = rng.random()
    if deep and kind < 0.25:
        return [value(rng, deep - 1) for _ in range(rng.randrange(5))]
    if deep and kind < 0.6:
        return {_name(rng): value(rng, deep - 1) for _ in range(rng.randrange(6))}
    return rng.choice([None, True, rng.choice(_NUMBERS), _name(rng), rng.getrandbits(40)])


def _name(rng: Random) -> str:
    return rng.choice(_WORDS) if rng.random() < 0.7 else _text(rng)


def _text(rng: Random) -> str:
    low, high = rng.choice(_ALPHABETS)
    return "".join(
        chr(low + int(rng.random() * (high - low + 1))) for _ in range(rng.randrange(20))
    )
