"""A person's browser: opens our links, walks the vendor's hosted pages over HTTP, and comes back.

What the ingress does with a link and a return is done here, by the same rules and with the same records.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID, uuid4

import pyotp
from yarl import URL

from schemas.base import Message
from schemas.callbacks import Aal2Returned, LinkOpened
from schemas.events import StepKind
from schemas.ids import ChallengeId, OpenId, SubjectId
from service.crypto import tokens
from service.crypto.keys import KeyRing
from service.ias.browser import (
    LINK_PURPOSE,
    Cookie,
    NothingPending,
    Opened,
    SeveralPeople,
    Step,
    choose,
    forget,
    forget_kind,
    hosted_url_purpose,
    read_aal2_return,
    remember,
)
from service.store import hosted_pages
from tests.local.person import Page
from tests.soak.pair_house import House
from tests.support import records
from tests.support.settings import LINK_KEY

KEYS: Final = KeyRing((LINK_KEY,))
PAGE_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.1
_TRIES: Final = 3
_AAL2: Final = StepKind.AAL2_CHALLENGE


class Code(NamedTuple):
    """A one-time code: who has it in their browser, and whose challenge it came back from."""

    holder: SubjectId
    owner: SubjectId
    code: str


@dataclass
class Browser:
    """It may be shared: its cookie says "same browser", never "same person"."""

    house: House
    cookie: Cookie = field(default_factory=Cookie)

    async def open(self, link: str) -> str | None:
        """Press the button of a step; the vendor's page, if there is one."""
        step = tokens.read(KEYS, LINK_PURPOSE, link.rpartition("/")[2], Step)
        now, open_id = datetime.now(UTC), OpenId(uuid4())
        self.cookie = remember(self.cookie, Opened(step, open_id, now), now)
        opened = LinkOpened(
            link_id=step.link_id,
            open_id=open_id,
            subject_id=step.subject_id,
            kind=step.kind,
            opened_at=now,
        )
        await self.tell(opened, step.subject_id)
        return await self._page(open_id)

    async def tell(self, content: Message, subject_id: SubjectId) -> None:
        """What a browser did."""
        await self.house.take(records.callback(content), subject_id)

    async def _page(self, open_id: OpenId) -> str | None:
        async with asyncio.timeout(PAGE_SECONDS):
            while True:
                async with self.house.database.connection() as connection:
                    page = await hosted_pages.page(connection, open_id)
                if page is not None and page.state != "waiting":
                    break
                await asyncio.sleep(_LOOK_SECONDS)
        if page.url_token is None:
            return None
        return tokens.read(KEYS, hosted_url_purpose(open_id), page.url_token, str)

    async def prove(self, url: str) -> str:
        """Walk the proofing page; the authenticator's secret."""
        page = await self._show(url)
        await self._press(page, action="finish")
        return page.totp_secret

    async def answer(self, url: str, authenticators: list[str]) -> str | None:
        """Type the codes that this person has, newest first; the session id that comes back."""
        page = await self._show(url)
        for secret in authenticators[: -_TRIES - 1 : -1]:
            back = await self._press(page, action="verify", code=pyotp.TOTP(secret).now())
            if back is not None:
                return read_aal2_return(back.raw_query_string)
        return None

    async def come_back(self, who: SubjectId, session: str) -> Code | None:
        """To the step that the cookie says, if it says one; the code for the application."""
        try:
            opened = choose(self.cookie, _AAL2, datetime.now(UTC))
        except NothingPending:
            return None
        except SeveralPeople:
            self.cookie = forget_kind(self.cookie, _AAL2)
            return None
        step = opened.step
        self.cookie = forget(self.cookie, step.binding, _AAL2)
        return await self.present(who, opened, session)

    async def present(self, who: SubjectId, opened: Opened, session: str) -> Code:
        """A session id, typed or brought, for a step that was opened."""
        code, code_hash = tokens.new_code()
        step = opened.step
        returned = Aal2Returned(
            challenge_id=ChallengeId(UUID(str(step.link_id))),
            open_id=opened.open_id,
            subject_id=step.subject_id,
            aal2_session_id=session,
            code_hash=code_hash,
            returned_at=datetime.now(UTC),
        )
        await self.tell(returned, step.subject_id)
        return Code(who, step.subject_id, code)

    async def _show(self, url: str) -> Page:
        async with self.house.http.get(URL(url, encoded=True)) as response:
            return Page(response.url, await response.text())

    async def _press(self, page: Page, **more: str) -> URL | None:
        """Where the vendor sends the browser then, if anywhere."""
        fields = page.fields | more
        async with self.house.http.post(page.url, data=fields, allow_redirects=False) as response:
            back = response.headers.get("Location")
        return None if back is None else URL(back, encoded=True)
