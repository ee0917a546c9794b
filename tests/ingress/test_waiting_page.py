"""The page that looks again by itself, until the vendor's page is there or will not be."""

from uuid import uuid4

import pytest

from schemas.reasons import Reason
from tests.ingress.running import Ingress
from tests.ingress.steps import (
    HOSTED_URL,
    a_page,
    a_step,
    assert_strict,
    link,
    open_id_of,
    opened,
)
from tests.local.person import Page

pytestmark = pytest.mark.edge


async def test_while_nothing_is_known_the_page_looks_again_without_script(ingress: Ingress) -> None:
    waiting = await opened(ingress, a_step())
    for path in [waiting, f"{waiting}?again"]:
        response = await ingress.get(path)
        html = await response.text()
        assert response.status == 200
        assert Page(response.url, html).refresh == f"{waiting}?again"
        assert "<script" not in html
        assert f'<a href="{waiting}?again">' in html
        assert_strict(response)


async def test_a_row_that_still_waits_is_no_page_yet(ingress: Ingress) -> None:
    step = a_step()
    waiting = await opened(ingress, step)
    ingress.pages.rows[open_id_of(waiting)] = a_page(step, open_id_of(waiting), "waiting")
    assert (await ingress.get(f"{waiting}?again")).status == 200


async def test_only_the_refresh_leads_to_the_vendor(ingress: Ingress) -> None:
    """Browsers apply ``form-action`` to redirects that follow a form: the first view never redirects."""
    step = a_step()
    waiting = await opened(ingress, step)
    ingress.pages.rows[open_id_of(waiting)] = a_page(step, open_id_of(waiting), "ready")
    first = await ingress.get(waiting)
    assert (first.status, "location" in first.headers) == (200, False)
    assert HOSTED_URL not in await first.text()
    again = await ingress.get(f"{waiting}?again")
    assert (again.status, again.headers["location"]) == (303, HOSTED_URL)
    assert await again.read() == b""
    assert_strict(again)


@pytest.mark.parametrize(
    ("reason", "status", "text"),
    [
        (Reason.TOO_MANY_OPENINGS, 429, "wait an hour"),
        (Reason.LINK_EXPIRED, 410, "step is over"),
        (Reason.NO_ACTIVE_IDENTITY, 502, "could not prepare your page"),
        (Reason.VENDOR_REFUSED, 502, "could not prepare your page"),
        (None, 502, "could not prepare your page"),
    ],
)
async def test_a_click_that_was_refused_says_what_to_do(
    ingress: Ingress, reason: Reason | None, status: int, text: str
) -> None:
    step = a_step()
    waiting = await opened(ingress, step)
    ingress.pages.rows[open_id_of(waiting)] = a_page(step, open_id_of(waiting), "refused", reason)
    response = await ingress.get(f"{waiting}?again")
    html = await response.text()
    assert response.status == status
    assert text in html
    assert Page(response.url, html).refresh is None
    assert_strict(response)


async def test_a_page_that_was_sealed_for_another_click_does_not_open(ingress: Ingress) -> None:
    """A row that was moved or copied leads nowhere, and not to an error 500 either."""
    step = a_step()
    waiting = await opened(ingress, step)
    theirs = a_page(step, uuid4(), "ready")
    ingress.pages.rows[open_id_of(waiting)] = theirs._replace(open_id=open_id_of(waiting))  # type: ignore[arg-type]
    response = await ingress.get(f"{waiting}?again")
    assert response.status == 502
    assert "location" not in response.headers
    assert_strict(response)


async def test_the_page_of_another_link_is_not_shown(ingress: Ingress) -> None:
    """Who knows a click's id but not its link sees nothing of it."""
    step, other = a_step(), a_step()
    open_id = open_id_of(await opened(ingress, step))
    ingress.pages.rows[open_id] = a_page(step, open_id, "ready")
    response = await ingress.get(f"{link(other)}/wait/{open_id}?again")
    assert (response.status, "location" in response.headers) == (200, False)


async def test_a_browser_that_keeps_no_cookie_is_told_before_it_is_sent_to_the_vendor(
    ingress: Ingress,
) -> None:
    """It could not be recognised when it comes back: its proof or code would be given in vain."""
    step = a_step()
    waiting = await opened(ingress, step)
    ingress.pages.rows[open_id_of(waiting)] = a_page(step, open_id_of(waiting), "ready")
    ingress.browser.cookie_jar.clear()
    for path in [waiting, f"{waiting}?again"]:
        response = await ingress.get(path)
        html = await response.text()
        assert response.status == 400
        assert "allow cookies" in html
        assert "location" not in response.headers
        assert Page(response.url, html).refresh is None
        assert_strict(response)


@pytest.mark.parametrize("click", ["canary", "%00", "0199b0c4", "{0199}"])
async def test_a_click_that_is_no_id_is_404(ingress: Ingress, click: str) -> None:
    response = await ingress.get(f"{link(a_step())}/wait/{click}?again")
    assert (response.status, await response.read()) == (404, b"")
