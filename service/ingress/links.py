"""``/go/{token}``: the link that the application shows the person.

GET has no effect, because mail and chat scanners open links. The button's POST remembers the step in a
cookie and publishes ``LinkOpened``; the waiting page looks until the gateway has made the vendor's page
and then sends the browser there. Opening again makes a fresh page: the vendor's are single use.
"""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Protocol
from uuid import UUID, uuid4

import structlog
from aiohttp import web

from schemas.callbacks import LinkOpened
from schemas.ids import OpenId
from schemas.reasons import Reason
from service.bus.publisher import PublishError
from service.crypto import tokens
from service.crypto.keys import KeyRing
from service.crypto.tokens import InvalidTokenError
from service.ias.browser import LINK_PURPOSE, Opened, Step, hosted_url_purpose, remember
from service.ias.lifetimes import SAFETY_MARGIN
from service.ingress import cookies, pages
from service.ingress.durability import Durable
from service.ingress.records import Recorder
from service.ingress.responses import expectation, page, see_other
from service.store.hosted_pages import HostedPage
from service.telemetry import metrics

log = structlog.get_logger()


class FindPage(Protocol):
    """Looks up what became of a click; ``None`` while nothing is known, also when nothing can be."""

    async def __call__(self, open_id: OpenId) -> HostedPage | None:
        """The row of the click."""


class LinkRoutes:
    """Handlers of ``/go/…``."""

    def __init__(
        self, keys: KeyRing, recorder: Recorder, durable: Durable, find_page: FindPage
    ) -> None:
        self._keys = keys
        self._recorder = recorder
        self._durable = durable
        self._find_page = find_page

    def routes(self) -> list[web.RouteDef]:
        """The route table."""
        return [
            web.get("/go/{token}", self.show, allow_head=False, expect_handler=expectation),
            web.post("/go/{token}", self.open, expect_handler=expectation),
            web.get(
                "/go/{token}/wait/{open_id}",
                self.wait,
                allow_head=False,
                expect_handler=expectation,
            ),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """The page with one button; no effect."""
        step = self._step(request)
        if isinstance(step, web.Response):
            return step
        return page(pages.button(pages.STEP[step.kind], "Continue to Metriport", request.path))

    async def open(self, request: web.Request) -> web.Response:
        """Remember the step in this browser and ask for a fresh hosted page."""
        step = self._step(request)
        if isinstance(step, web.Response):
            return step
        now, open_id = datetime.now(UTC), OpenId(uuid4())
        opened = LinkOpened(
            link_id=step.link_id,
            open_id=open_id,
            subject_id=step.subject_id,
            kind=step.kind,
            opened_at=now,
        )
        try:
            await self._durable.keep(self._recorder.callback(opened, step.subject_id, open_id))
        except PublishError:
            metrics.BROWSER.labels("go", "not_durable").inc()
            return page(pages.message(pages.UNAVAILABLE), HTTPStatus.SERVICE_UNAVAILABLE)
        metrics.BROWSER.labels("go", "opened").inc()
        log.info("link.opened", link_id=str(step.link_id), kind=step.kind)
        response = see_other(f"{request.path}/wait/{open_id}")
        remembered = remember(cookies.read(request, self._keys), Opened(step, open_id, now), now)
        cookies.write(response, self._keys, remembered)
        return response

    async def wait(self, request: web.Request) -> web.Response:
        """Look whether the hosted page is ready.

        The first view always shows the page: browsers apply ``form-action`` to redirects that follow
        a form, so only the refresh may lead to another host. A page of the vendor's that has run out
        is not shown: the person presses the button again and gets a fresh one. A browser that keeps no
        cookie is told so here: at the end of the vendor's steps it would have done them in vain.
        """
        step = self._step(request)
        if isinstance(step, web.Response):
            return step
        open_id = _open_id(request)
        if not cookies.read(request, self._keys).opened:
            metrics.BROWSER.labels("go", "nothing_pending").inc()
            return page(pages.message(pages.NOTHING_PENDING), HTTPStatus.BAD_REQUEST)
        found = await self._find_page(open_id)
        if found is not None and found.link_id == step.link_id and "again" in request.query:
            if found.state == "ready" and found.url_token is not None:
                if _is_over(found.expires_at):
                    return see_other(request.path.partition("/wait/")[0])
                return self._hosted_page(found.url_token, open_id)
            if found.state == "refused":
                return _refused(found.reason)
        return page(pages.waiting(f"{request.path}?again"))

    def _hosted_page(self, token: str, open_id: OpenId) -> web.Response:
        try:
            url = tokens.read(self._keys, hosted_url_purpose(open_id), token, str)
        except InvalidTokenError:  # sealed for another click, or with a key that is gone
            log.error("link.hosted_url_not_ours")  # noqa: TRY400 - the place tells nothing
            return _refused(None)
        return see_other(url)

    def _step(self, request: web.Request) -> Step | web.Response:
        """The step that the token names, or the page that says why there is none."""
        try:
            step = tokens.read(self._keys, LINK_PURPOSE, request.match_info["token"], Step)
        except InvalidTokenError:
            return page(pages.message(pages.NOT_A_LINK), HTTPStatus.NOT_FOUND)
        if step.expires_at <= datetime.now(UTC):
            return page(pages.message(pages.EXPIRED), HTTPStatus.GONE)
        return step


def _is_over(expires_at: datetime | None) -> bool:
    """Whether the vendor's page ends before the person could get there; both clocks may differ."""
    return expires_at is not None and expires_at - SAFETY_MARGIN <= datetime.now(UTC)


def _open_id(request: web.Request) -> OpenId:
    try:
        return OpenId(UUID(request.match_info["open_id"]))
    except ValueError:
        raise web.HTTPNotFound from None


def _refused(reason: str | None) -> web.Response:
    text, status = pages.NO_PAGE, HTTPStatus.BAD_GATEWAY
    if reason == Reason.TOO_MANY_OPENINGS:
        text, status = pages.TOO_OFTEN, HTTPStatus.TOO_MANY_REQUESTS
    elif reason == Reason.LINK_EXPIRED:
        text, status = pages.OVER, HTTPStatus.GONE
    return page(pages.message(text), status)
