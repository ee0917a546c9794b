"""A person with a browser: follows links, presses buttons, keeps cookies, types a real TOTP code."""

import asyncio
import socket
from html.parser import HTMLParser
from http.cookies import BaseCookie
from typing import Self
from urllib.parse import urljoin

import pyotp
from aiohttp import ClientResponse, ClientSession, CookieJar, TCPConnector, ThreadedResolver
from aiohttp.abc import ResolveResult
from yarl import URL

_NOWHERE = URL()


class Page(HTMLParser):
    """What a person sees of a page: its form, its refresh and its TOTP secret."""

    def __init__(self, url: URL, html: str) -> None:
        super().__init__()
        self.url = url
        self.fields: dict[str, str] = {}
        self.action: str | None = None
        self.refresh: str | None = None
        self.totp_secret = ""
        self._in_secret = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given.get("action", "")
        elif tag == "input" and given.get("name"):
            self.fields[given["name"]] = given.get("value", "")
        elif tag == "meta" and given.get("http-equiv") == "refresh":
            self.refresh = given["content"].partition("url=")[2]
        self._in_secret = given.get("id") == "totp-secret"

    def handle_data(self, data: str) -> None:
        if self._in_secret:
            self.totp_secret += data.strip()
            self._in_secret = False


class Person:
    """One person and one browser. Use as an async context manager."""

    def __init__(self, *, refresh_seconds: float = 0.2) -> None:
        self._refresh_seconds = refresh_seconds
        self.authenticator = ""
        self.seen: list[str] = []

    async def __aenter__(self) -> Self:
        connector = TCPConnector(resolver=LoopbackResolver())
        self._session = ClientSession(connector=connector, cookie_jar=LoopbackJar(unsafe=True))
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._session.close()

    async def open(self, link: str) -> Page:
        """Open our link, press its button, and wait until the hosted page shows."""
        first = await self._get(link)
        page = await self._submit(first, {})
        for _ in range(300):
            if page.refresh is None:
                return page
            await asyncio.sleep(self._refresh_seconds)
            page = await self._get(urljoin(str(page.url), page.refresh))
        raise AssertionError("the hosted page never came")

    async def prove_identity(self, link: str) -> Page:
        """Walk the proofing page to its end; remembers the authenticator's secret."""
        page = await self.open(link)
        self.authenticator = page.totp_secret
        return await self._submit(page, {"action": "finish"})

    async def answer_challenge(self, link: str) -> Page:
        """Type the authenticator's current code."""
        page = await self.open(link)
        code = pyotp.TOTP(self.authenticator).now()
        return await self._submit(page, {"action": "verify", "code": code})

    async def cancel_challenge(self, link: str) -> Page:
        """Press cancel instead."""
        return await self._submit(await self.open(link), {"action": "cancel"})

    def cookies(self) -> dict[str, bytes]:
        """What the jar holds now."""
        return {morsel.key: morsel.value.encode() for morsel in self._session.cookie_jar}

    async def download(self, url: str) -> bytes:
        """Fetch what a data link leads to."""
        async with self._session.get(url) as response:
            response.raise_for_status()
            return await response.read()

    async def _get(self, url: str) -> Page:
        async with self._session.get(URL(url, encoded=True)) as response:
            return await self._page(response)

    async def _submit(self, page: Page, more: dict[str, str]) -> Page:
        target = urljoin(str(page.url), page.action or str(page.url))
        fields = {**page.fields, **more}
        async with self._session.post(URL(target, encoded=True), data=fields) as response:
            return await self._page(response)

    async def _page(self, response: ClientResponse) -> Page:
        for step in (*response.history, response):
            self.seen.append(str(step.url))
        return Page(response.url, await response.text())


class LoopbackResolver(ThreadedResolver):
    """Like browsers, takes every name under ``localhost`` for this machine (RFC 6761)."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host.endswith(".localhost"):
            host = "127.0.0.1"
        return await super().resolve(host, port, family)


class LoopbackJar(CookieJar):
    """Like browsers, treats loopback as secure: ``Secure`` cookies are sent over plain http."""

    def filter_cookies(self, request_url: URL = _NOWHERE) -> "BaseCookie[str]":
        if request_url.host == "127.0.0.1":
            request_url = request_url.with_scheme("https")
        return super().filter_cookies(request_url)
