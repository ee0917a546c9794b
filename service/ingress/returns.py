"""``/callbacks/aal2`` and ``/callbacks/identity``: where the vendor sends the browser back to.

The URLs are fixed and bare, because the vendor's allow-list is assumed to be exact (A18); which step a return
belongs to is said by the cookie. The session id is taken off the URL, sealed, made durable, and only
then the browser goes on to the application with a one-time code.
"""

from datetime import UTC, datetime
from http import HTTPStatus
from uuid import uuid4

import structlog
from aiohttp import web

from schemas.callbacks import Aal2Returned
from schemas.events import StepKind
from schemas.ids import ChallengeId
from service.bus.publisher import PublishError
from service.crypto import tokens
from service.crypto.keys import KeyRing
from service.ias.browser import (
    Cookie,
    NothingPending,
    Opened,
    SeveralPeople,
    choose,
    forget,
    forget_kind,
    parameter_names,
    read_aal2_return,
)
from service.ias.return_url import with_parameters
from service.ingress import cookies, pages
from service.ingress.durability import Durable
from service.ingress.records import Recorder
from service.ingress.responses import expectation, page, see_other
from service.telemetry import metrics
from service.telemetry.shapes import UNWATCHED, Shapes

log = structlog.get_logger()


class ReturnRoutes:
    """Handlers of ``/callbacks/…``."""

    def __init__(
        self, keys: KeyRing, recorder: Recorder, durable: Durable, shapes: Shapes = UNWATCHED
    ) -> None:
        self._keys = keys
        self._recorder = recorder
        self._durable = durable
        self._shapes = shapes

    def routes(self) -> list[web.RouteDef]:
        """The route table."""
        return [
            web.get("/callbacks/aal2", self.aal2, allow_head=False, expect_handler=expectation),
            web.get(
                "/callbacks/identity", self.identity, allow_head=False, expect_handler=expectation
            ),
        ]

    async def identity(self, request: web.Request) -> web.Response:
        """Back from proofing. Parameters prove nothing; the webhook alone does (A05)."""
        cookie = cookies.read(request, self._keys)
        kind = StepKind.IDENTITY_VERIFICATION
        opened = self._chosen(cookie, kind)
        if isinstance(opened, web.Response):
            return opened
        metrics.BROWSER.labels("identity", "returned").inc()
        self._shapes.redirect("identity", parameter_names(request.rel_url.raw_query_string))
        step = opened.step
        response = see_other(with_parameters(step.return_url, reference=str(step.link_id)))
        cookies.write(response, self._keys, forget(cookie, step.binding, kind))
        return response

    async def aal2(self, request: web.Request) -> web.Response:
        """Back from a challenge, verified or not."""
        cookie = cookies.read(request, self._keys)
        opened = self._chosen(cookie, StepKind.AAL2_CHALLENGE)
        if isinstance(opened, web.Response):
            return opened
        self._shapes.redirect("aal2", parameter_names(request.rel_url.raw_query_string))
        session_id = read_aal2_return(request.rel_url.raw_query_string)
        if session_id is None or len(session_id) > tokens.LONGEST_SECRET:
            return _not_verified(opened)
        return await self._received(cookie, opened, session_id)

    async def _received(self, cookie: Cookie, opened: Opened, session_id: str) -> web.Response:
        """Make the session durable, then hand the browser to the application with a code."""
        step = opened.step
        code, code_hash = tokens.new_code()
        returned = Aal2Returned(
            challenge_id=ChallengeId(step.link_id),
            open_id=opened.open_id,
            subject_id=step.subject_id,
            aal2_session_id=session_id,
            code_hash=code_hash,
            returned_at=datetime.now(UTC),
        )
        try:
            await self._durable.keep(self._recorder.callback(returned, step.subject_id, uuid4()))
        except PublishError:
            metrics.BROWSER.labels("aal2", "not_durable").inc()
            return page(pages.message(pages.UNAVAILABLE), HTTPStatus.SERVICE_UNAVAILABLE)
        metrics.BROWSER.labels("aal2", "returned").inc()
        log.info("aal2.returned", link_id=str(step.link_id))
        url = with_parameters(step.return_url, code=code, reference=str(step.link_id))
        response = see_other(url)
        cookies.write(response, self._keys, forget(cookie, step.binding, step.kind))
        return response

    def _chosen(self, cookie: Cookie, kind: StepKind) -> Opened | web.Response:
        """The step that this browser is back from, or the page that says why none is."""
        try:
            return choose(cookie, kind, datetime.now(UTC))
        except NothingPending:
            metrics.BROWSER.labels(kind.value, "nothing_pending").inc()
            return page(pages.message(pages.NOTHING_PENDING), HTTPStatus.BAD_REQUEST)
        except SeveralPeople:
            metrics.BROWSER.labels(kind.value, "several_people").inc()
            response = page(pages.message(pages.SEVERAL_PEOPLE), HTTPStatus.CONFLICT)
            cookies.write(response, self._keys, forget_kind(cookie, kind))
            return response


def _not_verified(opened: Opened) -> web.Response:
    """Failed, cancelled or made up: the step stays open and can be tried again by its link."""
    metrics.BROWSER.labels("aal2", "not_verified").inc()
    step = opened.step
    return see_other(
        with_parameters(step.return_url, outcome="not_verified", reference=str(step.link_id))
    )
