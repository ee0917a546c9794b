"""I7: no secret is readable where the design does not name it, in whatever spelling."""

import base64
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import quote

from tests.chaos.checker.facts import Finding, Kind, Verdict
from tests.chaos.checker.story import COMMANDS, LINKS, WEBHOOKS, Story

_SIGNATURE = re.compile(r"X-Amz-Signature=([0-9a-fA-F]{16,})")
_SHORTEST = 8
_GIVEN_OUT = {
    "aal2_sessions": "id",
    "identities": "id",
    "identity_sessions": "token",
    "challenges": "token",
}


class Secret(NamedTuple):
    """What nobody may read but on these topics."""

    name: str
    text: str
    allowed: frozenset[str] = frozenset()


class Word(NamedTuple):
    """One spelling of one secret."""

    text: str
    spelling: str
    secret: Secret


def check(story: Story) -> Verdict:
    """Every secret, in every place."""
    secrets = {secret.text: secret for secret in _secrets(story) if len(secret.text) >= _SHORTEST}
    words = _by_their_beginning(secrets.values())
    places = dict(_places(story))
    broken = [
        Finding(f"{word.secret.name} is readable in {name}, as {word.spelling}", Kind.WRONG)
        for name, text in places.items()
        for word in _found(text, words)
        if name not in word.secret.allowed
    ]
    return Verdict("I7", len(secrets) * len(places), broken)


def _by_their_beginning(secrets: Iterable[Secret]) -> dict[str, list[Word]]:
    words: dict[str, list[Word]] = defaultdict(list)
    for secret in secrets:
        for spelling, text in spellings(secret.text).items():
            if len(text) >= _SHORTEST:
                words[text[:_SHORTEST]].append(Word(text, spelling, secret))
    return words


def _found(text: str, words: dict[str, list[Word]]) -> list[Word]:
    """The words that the text holds, each once: one pass, however many words there are."""
    found = {
        word.text: word
        for at in range(len(text) - _SHORTEST + 1)
        for word in words.get(text[at : at + _SHORTEST], ())
        if text.startswith(word.text, at)
    }
    return list(found.values())


def spellings(secret: str) -> dict[str, str]:
    """The secret as it could be written: in a dump bytes are hex, in JSON they are base64."""
    raw = secret.encode()
    found = {
        "text": secret,
        "hex": raw.hex(),
        "HEX": raw.hex().upper(),
        "URL": quote(secret, safe=""),
        "JSON": json.dumps(secret)[1:-1],
        "backwards": secret[::-1],
    }
    for shift in range(3):
        for kind, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            whole = encode(b"\x00" * shift + raw).decode()
            found[f"{kind} at {shift}"] = whole[(0, 2, 3)[shift] : len(whole) - 4]
    return found


def _secrets(story: Story) -> Iterator[Secret]:
    yield from (Secret(name, text) for name, text in story.evidence.keys.items())
    yield from _of_the_vendor(story)
    for link in story.links.values():
        if link["kind"] == "hosted_step":
            yield Secret("a link of ours", link["url"].rpartition("/")[2], frozenset({LINKS}))
    for signature in _data_links(story):
        yield Secret("a data link", signature, frozenset({LINKS, WEBHOOKS}))
    codes = (command["content"].get("code") for command in story.evidence.sent)
    yield from (Secret("a return code", code, frozenset({COMMANDS})) for code in codes if code)


def _of_the_vendor(story: Story) -> Iterator[Secret]:
    """Everything that the vendor gave out and that only memory may hold in the clear."""
    for kind, field in _GIVEN_OUT.items():
        for item in story.evidence.vendor.get(kind, {}).values():
            yield Secret(f"the {field} of one of the {kind}", item[field])


def _data_links(story: Story) -> set[str]:
    """What makes the vendor's download links bearer links."""
    bodies = [str(delivery["body"]) for delivery in story.evidence.deliveries]
    urls = [str(link["url"]) for link in story.links.values()]
    return {found for text in (*bodies, *urls) for found in _SIGNATURE.findall(text)}


def _places(story: Story) -> Iterator[tuple[str, str]]:
    yield "the database", story.evidence.dump
    for name, text in story.evidence.logs.items():
        yield f"the log of {name}", text
    topics: dict[str, list[str]] = defaultdict(list)
    for record in story.evidence.records:
        headers = b"\n".join(name.encode() + b": " + value for name, value in record.headers)
        whole = b"\n".join((record.key or b"", headers, record.value or b""))
        topics[record.topic].append(whole.decode("utf-8", "replace"))
    yield from ((topic, "\n".join(texts)) for topic, texts in topics.items())
