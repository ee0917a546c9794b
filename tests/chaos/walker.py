"""A person who does not give up: reloads what does not come, presses the button again, follows by hand."""

import asyncio
import time
from typing import Final, Self
from urllib.parse import urljoin

import pyotp
from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

from tests.local.person import LoopbackJar, Page

_RELOAD_SECONDS: Final = 0.4
_PATIENCE: Final = 75.0
_FORM_STATUS: Final = 400
_TRY_AGAIN: Final = frozenset({500, 503, 504})  # not 502: the vendor refused to make a page


class LostError(Exception):
    """The page said no, or did not come for so long that a person would have left."""


class Walker:
    """One browser. Use as an async context manager."""

    def __init__(self) -> None:
        self.authenticator = ""
        self.at = ""
        """What the browser asked for last, without what may be secret, and what came of it."""

    async def __aenter__(self) -> Self:
        self._session = ClientSession(
            cookie_jar=LoopbackJar(unsafe=True), timeout=ClientTimeout(total=8)
        )
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._session.close()

    async def prove_identity(self, link: str) -> None:
        """Walk the proofing page; remembers the authenticator's secret."""
        page = await self._open(link)
        self.authenticator = page.totp_secret
        await self._submit(page, action="finish")

    async def answer_challenge(self, link: str) -> None:
        """Type the authenticator's code."""
        page = await self._open(link)
        code = pyotp.TOTP(self.authenticator).now()
        await self._submit(page, action="verify", code=code)

    async def cancel(self, link: str) -> None:
        """Press cancel on a hosted page."""
        await self._submit(await self._open(link), action="cancel")

    async def download(self, url: str) -> int:
        """Fetch a data link; its size."""
        async with self._session.get(url) as response:
            response.raise_for_status()
            return len(await response.read())

    async def _open(self, link: str) -> Page:
        """Our link, its button, and the waiting page until the hosted one shows."""
        end = time.monotonic() + _PATIENCE
        page = await self._submit(await self._fetch("GET", link))
        while time.monotonic() < end:
            if page.refresh is None and page.action is not None:
                if "/go/" not in str(page.url):
                    return page
                page = await self._submit(page)  # the vendor's page ran out: pressed again
            else:
                await asyncio.sleep(0.2)
                page = await self._fetch("GET", urljoin(str(page.url), page.refresh or ""))
        raise LostError("the hosted page never came")

    async def _submit(self, page: Page, **more: str) -> Page:
        target = urljoin(str(page.url), page.action or str(page.url))
        return await self._fetch("POST", target, {**page.fields, **more})

    async def _fetch(self, method: str, url: str, fields: dict[str, str] | None = None) -> Page:
        """One page, reloaded until it comes; redirects are followed one at a time."""
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            try:
                found = await self._once(method, url, fields)
            except (ClientError, TimeoutError, OSError) as error:
                found = None
                self.at = f"{method} {URL(url).path[:12]}: {type(error).__name__}"
            if isinstance(found, Page):
                return found
            if isinstance(found, str):
                method, url, fields = "GET", found, None
            else:
                await asyncio.sleep(_RELOAD_SECONDS)
        raise LostError("a page did not come")

    async def _once(
        self, method: str, url: str, fields: dict[str, str] | None
    ) -> Page | str | None:
        """The page, where it redirects to, or ``None`` when the server is not well."""
        async with self._session.request(
            method, URL(url, encoded=True), data=fields, allow_redirects=False
        ) as response:
            self.at = f"{method} {URL(url).path[:12]}: {response.status}"
            if response.status // 100 == 3:
                return urljoin(url, response.headers["Location"])
            if response.status in _TRY_AGAIN:
                return None
            if response.status >= _FORM_STATUS:
                raise LostError(f"answered {response.status}")
            return Page(response.url, await response.text())
