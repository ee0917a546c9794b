"""A person in front of a real browser: clicks, types a TOTP code, closes tabs, goes back."""

from dataclasses import replace
from typing import Final

import pyotp
from playwright.async_api import Locator, Page, expect

from tests.browser.seen import Seen
from tests.local.person import Person
from tests.processes.scene import Member

ON: Final = "Continue to Metriport"
"""The one button of ours."""
PROOFING: Final = "Verify your identity"
CHALLENGE: Final = "Confirm that it is you"
"""The headings of the vendor's pages."""
COOKIE: Final = "__Host-ias"
BACK: Final = "You are back"
"""The heading of the application's page after a success."""


class Visitor:
    """One person and their browser. ``page`` is the tab that they look at."""

    def __init__(self, page: Page, seen: Seen) -> None:
        self.page = page
        self.seen = seen
        self.authenticator = ""
        self.home = ""
        """The person's page at the application."""

    async def new_tab(self) -> Page:
        """Open another tab and look at it."""
        self.page = await self.page.context.new_page()
        return self.page

    async def sees(self, heading: str) -> None:
        """Wait until the page has this heading."""
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)

    def button(self, name: str) -> Locator:
        """A button by what it says."""
        return self.page.get_by_role("button", name=name, exact=True)

    def link(self, name: str) -> Locator:
        """A link by what it says."""
        return self.page.get_by_role("link", name=name, exact=True)

    async def starts(self) -> None:
        """From the application's page to ours."""
        await self.page.goto(self.home)
        await self.link("Get my records").click()
        await expect(self.button(ON)).to_be_visible()

    async def goes_to_vendor(self, heading: str) -> None:
        """From the application's page, over ours, to the vendor's."""
        await self.starts()
        await self.button(ON).click()
        await self.sees(heading)

    async def types_the_code(self) -> None:
        """What the authenticator shows now."""
        await self.page.get_by_label("six-digit code").fill(pyotp.TOTP(self.authenticator).now())
        await self.button("Confirm").click()

    async def finishes_proofing(self) -> None:
        """On the vendor's page: scan the secret, and finish."""
        self.authenticator = await self.page.locator("#totp-secret").inner_text()
        await self.button("Finish verification").click()

    async def prove_identity(self, _link: str) -> None:
        """The whole proofing step."""
        await self.goes_to_vendor(PROOFING)
        await self.finishes_proofing()
        await self.sees(BACK)

    async def answer_challenge(self, _link: str) -> None:
        """The whole challenge."""
        await self.goes_to_vendor(CHALLENGE)
        await self.types_the_code()
        await self.sees(BACK)


class Guest(Member):
    """A member of the application whose browser is a real one."""

    @property
    def visitor(self) -> Visitor:
        """The person."""
        assert isinstance(self.browser, Visitor)
        return self.browser

    async def proofed_before(self) -> "Guest":
        """Steps 1 and 2, without the browser: it is quicker, where another step is looked at."""
        async with Person(refresh_seconds=0.05) as person:
            before = await replace(self, browser=person).proofed()
            self.patient_id, self.visitor.authenticator = before.patient_id, person.authenticator
        return self

    async def asked_to_prove(self) -> str:
        """Step 1, and a link to the proofing page, which the application's page shows now."""
        await self.registered()
        command = await self.send(
            "StartIdentityVerification",
            patientId=self.patient_id,
            returnUrl=self.application.return_url,
        )
        return str((await self.step_link(command))["url"])

    async def challenged(self) -> str:
        """A link to a fresh challenge, which the application's page shows now."""
        return str((await self.ask_challenge(self.patient_id))["url"])

    async def vouched(self) -> None:
        """The application confirms the newest return: the session may be used."""
        await self.confirm(self.application.returns[-1])
