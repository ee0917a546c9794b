"""What a caller and a person do: API calls, and walking the hosted pages as a browser would."""

import asyncio
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pyotp

from tests.metriport_sandbox import DEFAULT_API_KEY, DEFAULT_FACILITY_ID, Sandbox

KEY = "V1StGXR8_Z5jdHi6B-myT"
RETURN_URL = "https://app.example.com/return"

JANE: dict[str, Any] = {
    "firstName": "Jane",
    "lastName": "Smith",
    "dob": "1996-02-10",
    "genderAtBirth": "F",
    "address": [
        {"addressLine1": "123 Arsenal St", "city": "Phoenix", "state": "AZ", "zip": "85300"}
    ],
    "contact": [{"phone": "6025550134", "email": "jane.smith@example.com"}],
    "externalId": "member-48213",
}
ALL_SOURCES = {name: {"enabled": True} for name in ("hie", "pharmacy", "lab")}


def check_signature(raw: bytes, signature: str) -> None:
    """Fail unless the signature is right: written here, apart from the sandbox's code."""
    expected = hmac.new(KEY.encode(), raw, hashlib.sha256).hexdigest()
    assert signature == expected


@dataclass(frozen=True)
class Received:
    """One webhook as it arrived."""

    raw: bytes
    headers: dict[str, str]

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def type(self) -> str:
        return str(self.body["meta"]["type"])


@dataclass(frozen=True)
class Answer:
    """One answer, read to the end."""

    status: int
    headers: Any
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Driver:
    """Calls one sandbox."""

    sandbox: Sandbox
    http: aiohttp.ClientSession

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        headers = {"x-api-key": DEFAULT_API_KEY, **options.pop("headers", {})}
        if body is not None:
            options["json"] = body
        options.setdefault("allow_redirects", False)
        async with self.http.request(method, path, headers=headers, **options) as response:
            return Answer(response.status, response.headers, await response.text())

    async def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        return await self.call("POST", path, body, **options)

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.call("GET", path, **options)

    async def create(self, **changes: Any) -> Answer:
        query = {"facilityId": DEFAULT_FACILITY_ID}
        return await self.post("/medical/v1/patient", JANE | changes, params=query)

    async def patient(self, **changes: Any) -> str:
        answer = await self.create(**changes)
        assert answer.status == 201, answer.text
        return str(answer.body["id"])

    async def identity_session(self, patient_id: str, **changes: Any) -> Answer:
        body = {"patientId": patient_id, "redirectUrl": RETURN_URL, "metadata": {"flow": "ias"}}
        return await self.post("/medical/v1/identity/session", body | changes)

    async def challenge(self, identity_id: str, redirect_url: str = RETURN_URL) -> Answer:
        body = {"proofedIdentityId": identity_id, "redirectUrl": redirect_url}
        return await self.post("/medical/v1/identity/aal2/challenge", body)

    async def prove_identity(self, patient_id: str) -> tuple[str, str]:
        """Walk the identity page; return the authenticator's secret and where it led."""
        url = (await self.identity_session(patient_id)).body["sessionUrl"]
        page = (await self.get(url)).text
        answer = await self.submit(url, page, action="finish")
        return text_of(page, "totp-secret"), answer.headers["Location"]

    async def pass_challenge(self, identity_id: str, secret: str) -> str:
        """Walk the AAL2 page; return the session id from the redirect."""
        url = (await self.challenge(identity_id)).body["challengeUrl"]
        page = (await self.get(url)).text
        answer = await self.submit(url, page, action="verify", code=self.code(secret))
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert query["status"] == ["verified"]
        return str(query["aal2SessionId"][0])

    async def submit(self, url: str, page: str, **fields: str) -> Answer:
        return await self.post(url, data={"walk": walk_of(page), **fields})

    async def idle(self) -> None:
        """Wait until the sandbox has nothing left to do or to send."""
        async with asyncio.timeout(5):
            await self.sandbox.background.idle()

    def code(self, secret: str) -> str:
        """The code that an authenticator shows now."""
        return str(pyotp.TOTP(secret).at(int(self.sandbox.now())))

    async def identity(self, patient_id: str) -> tuple[str, str]:
        """Return a proofed identity's id and its authenticator's secret."""
        known = set(self.sandbox.state.identities)
        secret, _ = await self.prove_identity(patient_id)
        (identity_id,) = set(self.sandbox.state.identities) - known
        return identity_id, secret

    async def query(self, patient_id: str, body: Any = None, **options: Any) -> Answer:
        """Start a treatment query, or whatever the options make of it."""
        params = {"patientId": patient_id, **options.pop("params", {})}
        body = {"sources": ALL_SOURCES} if body is None else body
        return await self.post("/medical/v1/network/query", body, params=params, **options)

    async def ias_query(
        self, patient_id: str, identity_id: str, session_id: str | None, **body: Any
    ) -> Answer:
        headers = {} if session_id is None else {"x-aal2-session": session_id}
        body = {"sources": ALL_SOURCES, "proofedIdentityId": identity_id, **body}
        return await self.query(patient_id, body, params={"purposeOfUse": "ias"}, headers=headers)


def walk_of(page: str) -> str:
    found = re.search(r'name="walk" value="([^"]+)"', page)
    assert found, page
    return unescape(found[1])


def text_of(page: str, id_: str) -> str:
    found = re.search(rf'id="{id_}"[^>]*>([^<]+)<', page)
    assert found, page
    return unescape(found[1])
