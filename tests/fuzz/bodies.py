"""Made-up JSON texts: arbitrary bytes, arbitrary values, and spoilt samples of the vendor."""

import json
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

from tests.ingress.vendor import SAMPLES

WEBHOOKS: Final = [
    json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(SAMPLES.glob("webhook.*.json"))
    if "expected-reply" not in path.name
]
assert len(WEBHOOKS) > 20

NESTINGS: Final = (10, 63, 64, 65, 500, 1_100, 20_000)
HOSTILE: Final = [
    b'"\\u0000"',
    b'"\x00"',
    b'"\\ud800"',
    b'"\\uDFFF\\ud83d\\ude00"',
    b'"\\\\ud800"',
    b'"\\ud83d\\ude0"',
    b'"\xed\xa0\x80"',
    b'"\xff\xfe"',
    b'"\xc0\x80"',
    b'"\xf4\x90\x80\x80"',
    b'"\\x41"',
    b'"\x1f\x7f"',
    '"\u202e\u2028\ufeff"'.encode(),
    b"NaN",
    b"-Infinity",
    b"nul",
    b"-",
    b"01",
    b"1e999",
    b"-1e-999999",
    b"0." + b"1" * 20_000,
    b"9" * 25,
    b"9" * 5_000,
    b"-" + b"9" * 20_000,
    b"[]",
    b"{}",
    b'""',
    b"",
    b"{,}",
    b"'x'",
    b"/**/1",
    b'"' + b"p" * 255 + b'"',
    b'"' + b"p" * 256 + b'"',
    b'"' + "🩺".encode() * 255 + b'"',
    b'"' + b"\\ud83e\\ude7a" * 255 + b'"',
    b'"0001-01-01T00:00:00+23:59"',
    b'"9999-12-31T23:59:59.999999-23:59"',
    b'"2026-06-31T25:61:61Z"',
    *(b"[" * depth + b"]" * depth for depth in NESTINGS),
    *(b'{"x":' * depth + b"1" + b"}" * depth for depth in NESTINGS),
    b"[" * 20_000,
]
"""Texts that stand where a value should."""

NAMES: Final = [
    "meta",
    "messageId",
    "requestId",
    "type",
    "when",
    "data",
    "payload",
    "patients",
    "patientId",
    "ping",
    "",
    "__proto__",
]
SECRETS: Final = [
    "proofedIdentityId",
    "proofed_identity_id",
    "proofedidentity",
    "aal2SessionId",
    "aal2_session_id",
    "identitySessionId",
    "identity_session_id",
    "pid_0199b0c4",
]
"""How an identity or a session is named, but for case and escapes."""

TEXTS: Final = st.text(st.characters(codec="utf-8"), max_size=30)
VALUES: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXTS
    | st.sampled_from([*NAMES, *SECRETS, "ping", "network-query.hie", "ias.identity.verified"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES) | TEXTS, inner, max_size=5)
    ),
    max_leaves=15,
)
"""Any JSON value, and floats that JSON has not."""


@dataclass(frozen=True)
class Text:
    """A piece of JSON text that is written as it is."""

    raw: bytes


@st.composite
def spelled(draw: st.DrawFn, text: str) -> bytes:
    """A JSON string that reads as ``text``, in letters of any case, with any of them escaped."""
    letters = [draw(st.sampled_from([one.lower(), one.upper()])) for one in text]
    style = draw(st.sampled_from(["plain", "some", "all"]))
    return b'"%b"' % b"".join(
        _escaped(letter, capital=draw(st.booleans()))
        if style == "all" or (style == "some" and draw(st.booleans()))
        else json.dumps(letter)[1:-1].encode()
        for letter in letters
    )


def _escaped(letter: str, *, capital: bool) -> bytes:
    return b"\\u" + (b"%04X" if capital else b"%04x") % ord(letter)


FRAGMENTS: Final = (
    st.sampled_from(HOSTILE)
    | VALUES.map(lambda value: json.dumps(value).encode())
    | TEXTS.map(lambda text: json.dumps(text, ensure_ascii=False).encode())
    | st.sampled_from(SECRETS).flatmap(spelled)
)


def as_pairs(value: Any) -> Any:
    """Objects as lists of pairs, so that a key can occur twice."""
    if isinstance(value, dict):
        return {"pairs": [(_name(key), as_pairs(inner)) for key, inner in value.items()]}
    if isinstance(value, list):
        return [as_pairs(inner) for inner in value]
    return Text(json.dumps(value, ensure_ascii=False).encode())


def _name(key: str) -> Text:
    return Text(json.dumps(key, ensure_ascii=False).encode())


def written(node: Any) -> bytes:
    """The JSON text of what ``as_pairs`` made, however it was changed since."""
    if isinstance(node, Text):
        return node.raw
    if isinstance(node, list):
        return b"[%b]" % b",".join(map(written, node))
    return b"{%b}" % b",".join(
        b"%b:%b" % (written(key), written(inner)) for key, inner in node["pairs"]
    )


def _places(node: Any) -> list[Any]:
    """Every object and array, as lists that can be changed."""
    if isinstance(node, Text):
        return []
    inside = node if isinstance(node, list) else [inner for _, inner in node["pairs"]]
    own = node if isinstance(node, list) else node["pairs"]
    return [own, *(place for inner in inside for place in _places(inner))]


@st.composite
def spoilt_samples(draw: st.DrawFn, samples: list[Any] = WEBHOOKS) -> bytes:
    """A sample with keys dropped, replaced, doubled, renamed or wrapped, and its bytes disturbed."""
    node = as_pairs(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.sampled_from([found for found in _places(node) if found] or [[]]))
        if place:
            _spoil(draw, place)
    return _disturbed(draw, written(node))


def _spoil(draw: st.DrawFn, place: list[Any]) -> None:
    at = draw(st.integers(0, len(place) - 1))
    key, value = place[at] if isinstance(place[at], tuple) else (None, place[at])

    def entry(name: Text | None, content: Any) -> Any:
        return content if key is None else (name or key, content)

    what = draw(st.sampled_from(["drop", "replace", "double", "rename", "wrap", "add"]))
    if what == "drop":
        del place[at]
    elif what == "replace":
        place[at] = entry(None, Text(draw(FRAGMENTS)))
    elif what == "double":
        place.append(entry(None, Text(draw(FRAGMENTS)) if draw(st.booleans()) else value))
    elif what == "rename":
        place[at] = entry(Text(draw(_KEYS)), value)
    elif what == "wrap":
        place[at] = entry(None, [value])
    else:
        place.append(entry(Text(draw(_KEYS)), Text(draw(FRAGMENTS))))


_KEYS: Final = (
    st.sampled_from(NAMES).map(lambda name: json.dumps(name).encode())
    | st.sampled_from(SECRETS).flatmap(spelled)
    | st.sampled_from([b'"\\ud800"', b'"\\u0000"', b"7", b"", b'"a', b'"\xff"'])
)


def _disturbed(draw: st.DrawFn, text: bytes) -> bytes:
    how = draw(st.sampled_from(["not", "not", "not", "cut", "splice", "before", "behind", "utf16"]))
    at = draw(st.integers(0, len(text)))
    if how == "cut":
        return text[:at]
    if how == "splice":
        return text[:at] + draw(st.binary(max_size=4)) + text[at + draw(st.integers(0, 3)) :]
    if how == "before":
        return (
            draw(st.sampled_from([b"\xef\xbb\xbf", b" \r\n\t", b"\x00", b"\x1e", b")]}',\n"]))
            + text
        )
    if how == "behind":
        return text + draw(st.sampled_from([b"\n", b"\x00", b"{}", b",", text]))
    if how == "utf16":
        return text.decode("latin-1").encode("utf-16-le")
    return text


BODIES: Final = (
    st.binary(max_size=500)
    | VALUES.map(lambda value: json.dumps(value).encode())
    | spoilt_samples()
    | spoilt_samples()
    | st.builds(
        lambda before, meta, fragment: (
            b'{%b"meta":%b,"payload":{"patientId":%b}}'
            % (before, json.dumps(meta).encode(), fragment)
        ),
        st.sampled_from([b"", b'"x":1,', b'"patientId":"p",']),
        st.just({"messageId": "m-1", "type": "network-query.hie"}),
        FRAGMENTS,
    )
)
"""What an authentic sender could send, and worse."""


def texts_within(body: bytes) -> list[str] | None:
    """Every key and text of a body as another reader decodes them, or ``None`` for no JSON."""
    found: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> None:
        for key, value in items:
            found.append(key)
            collect(value)

    def collect(value: Any) -> None:
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, list):
            for inner in value:
                collect(inner)

    try:
        collect(json.loads(body.decode(), object_pairs_hook=pairs, parse_int=str))
    except (ValueError, RecursionError):
        return None
    return found
