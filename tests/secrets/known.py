"""What nobody may read, as the double, the browser and the application know it, by name."""

import base64
import secrets
import string
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from service.crypto import aead
from service.crypto.keys import KeyRing
from tests.local.journey import JANE
from tests.local.settings import API_KEY
from tests.processes.scene import Member, Scene

Named = dict[str, bytes]
_TOKEN = 40
"""Longer than a UUID: a part of a path of this length is a token."""


def unmistakable() -> dict[str, Any]:
    """Demographics of random text, so that each part can be searched for alone.

    All but the first name: the double chooses the record by it, and it is too short to search for.
    """

    def word(length: int = 12) -> str:
        return "".join(secrets.choice(string.ascii_lowercase) for _ in range(length)).title()

    digits = "".join(secrets.choice(string.digits) for _ in range(7))
    year, month, day = 1930 + secrets.randbelow(60), 1 + secrets.randbelow(12), 1 + int(digits[0])
    return {
        "firstName": JANE["firstName"],
        "lastName": word(),
        "dob": f"{year}-{month:02}-{day:02}",
        "genderAtBirth": "F",
        "address": [
            {"addressLine1": f"1 {word()} St", "city": word(), "state": "AZ", "zip": "85300"}
        ],
        "contact": [{"phone": f"602{digits}", "email": f"{word()}@example.com"}],
    }


def person(demographics: Mapping[str, Any]) -> Named:
    """The person's own words."""
    (address,) = demographics["address"]
    (contact,) = demographics["contact"]
    return {
        "last name": demographics["lastName"].encode(),
        "birth date": demographics["dob"].encode(),
        "address": address["addressLine1"].encode(),
        "city": address["city"].encode(),
        "phone": contact["phone"].encode(),
        "email": contact["email"].encode(),
    }


def keys(scene: Scene) -> Named:
    """Every key of the deployment, as it is written in the environment and as raw bytes."""
    settings = scene.deployment.settings
    found = {"API key": API_KEY.encode(), "webhook key": settings.webhook_key.encode()}
    for name, text in settings.keys.items():
        if name != "SEALING_PUBLIC_KEY":
            found |= {f"{name} as text": text.encode(), f"{name} raw": base64.b64decode(text)}
    return found


def data_keys(scene: Scene) -> Named:
    """The unwrapped data key of every subject."""
    ring = KeyRing((base64.b64decode(scene.deployment.settings.keys["ENCRYPTION_KEYS"]),))
    found = {}
    rows = scene.sql("select subject_id, encode(data_key, 'hex') from subject").splitlines()
    for subject_id, wrapped in (row.split("|") for row in rows):
        aad = aead.context("metriport-ias/data-key/v1", subject_id)
        raw = aead.decrypt_with_ring(ring, bytes.fromhex(wrapped), aad)
        found[f"data key of {subject_id}"] = raw
    assert found
    return found


async def vendor_secrets(scene: Scene) -> Named:
    """Ids of identities and sessions, tokens of hosted pages, TOTP secrets: all that were given out."""
    state = await scene.vendor.state()
    found: Named = {}
    for kind, name in (("identities", "proofedIdentityId"), ("aal2_sessions", "aal2SessionId")):
        assert state[kind], kind
        found |= {f"{name} {n}": item["id"].encode() for n, item in enumerate(state[kind].values())}
    for kind in ("identity_sessions", "challenges"):
        assert state[kind], kind
        for number, page in enumerate(state[kind].values()):
            found[f"hosted page {kind} {number}"] = page["token"].encode()
    return found


def go_links(scene: Scene) -> Named:
    """The tokens of our own links."""
    steps = [link for link in scene.application.links.values() if link["kind"] == "hosted_step"]
    return {
        f"/go token {number}": link["url"].rpartition("/")[2].encode()
        for number, link in enumerate(steps)
    }


def data_links(scene: Scene) -> Named:
    """What makes the vendor's download links bearer links."""
    links = [
        link for link in scene.application.links.values() if link["kind"] == "consolidated_data"
    ]
    queries = [dict(parse_qsl(urlsplit(link["url"]).query)) for link in links]
    return {
        f"data link {number}": query["X-Amz-Signature"].encode()
        for number, query in enumerate(queries)
    }


def codes(scene: Scene) -> Named:
    """One-time codes that browsers came back with."""
    return {
        f"return code {number}": back["code"].encode()
        for number, back in enumerate(scene.application.returns)
        if "code" in back
    }


def browser(member: Member) -> Named:
    """What our own pages put into the browser: cookies, and tokens in paths after ``/go/{token}``."""
    found = {f"cookie {name}": value for name, value in member.person.cookies().items()}
    steps = {part for url in member.person.seen for part in urlsplit(url).path.split("/")}
    tokens = sorted(part for part in steps if len(part) > _TOKEN)
    return found | {f"token in a path {part[:6]}": part.encode() for part in tokens}
