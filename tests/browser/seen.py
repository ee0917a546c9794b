"""What one browser asked for, what it complained about, and what it would remember."""

from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import BrowserContext, ConsoleMessage, Page, Request

_A_PAGE_WITH_AN_ERROR_STATUS = "Failed to load resource: the server responded with a status of"


@dataclass
class Seen:
    """Every request and every complaint of a browser's, in order."""

    requests: list[Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> "Seen":
        """Look at all pages of the context, also those that are opened later."""
        context.on("request", self._request)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        return self

    def of(self, origin: str) -> list[Request]:
        """The requests to one server."""
        return [request for request in self.requests if request.url.startswith(f"{origin}/")]

    def _request(self, request: Request) -> None:
        self.requests.append(request)

    def _console(self, message: ConsoleMessage) -> None:
        if (
            message.type in {"error", "warning"}
            and _A_PAGE_WITH_AN_ERROR_STATUS not in message.text
        ):
            self.complaints.append(message.text)


async def history(page: Page) -> list[str]:
    """Every URL that the back and forward buttons of a tab lead to, the present one too."""
    session = await page.context.new_cdp_session(page)
    answer: dict[str, Any] = await session.send("Page.getNavigationHistory")
    await session.detach()
    return [entry["url"] for entry in answer["entries"]]
