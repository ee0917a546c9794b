"""Hosted steps as the consumers hand them out: links, and the pages that become of clicks."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

from aiohttp import ClientResponse

from schemas.events import StepKind
from schemas.ids import LinkId, OpenId, SubjectId
from service.crypto import tokens
from service.ias.browser import Step
from service.store.hosted_pages import HostedPage
from tests.ingress.opening import LINK_KEYS
from tests.ingress.running import Ingress

RETURN_URL = "https://app.example.com/ias/return"
HOSTED_URL = "https://auth.ias.metriport.example/aal2/canary-of-a-hosted-page"
AAL2, IDENTITY = StepKind.AAL2_CHALLENGE, StepKind.IDENTITY_VERIFICATION


def a_step(
    kind: StepKind = AAL2,
    *,
    subject: str = "user-8f14",
    binding: str = "identity-1",
    lives: timedelta = timedelta(hours=1),
    return_url: str = RETURN_URL,
) -> Step:
    """A step of a link that was just issued."""
    return Step(
        link_id=LinkId(uuid4()),
        kind=kind,
        subject_id=SubjectId(subject),
        binding=binding,
        return_url=return_url,
        expires_at=datetime.now(UTC) + lives,
    )


def link(step: Step) -> str:
    """The path of the step's link."""
    return f"/go/{tokens.issue(LINK_KEYS, 'link', step)}"


async def opened(ingress: Ingress, step: Step) -> str:
    """Press the button; the path of the waiting page."""
    response = await ingress.post(link(step))
    assert response.status == 303
    return response.headers["location"]


def open_id_of(waiting: str) -> UUID:
    """The id of the click that a waiting page waits for."""
    return UUID(urlsplit(waiting).path.rpartition("/")[2])


def a_page(step: Step, open_id: UUID, state: str, reason: str | None = None) -> HostedPage:
    """What became of a click."""
    sealed = tokens.issue(LINK_KEYS, f"hosted-url/{open_id}", HOSTED_URL)
    return HostedPage(
        open_id=OpenId(open_id),
        link_id=step.link_id,
        kind=step.kind,
        subject_id=step.subject_id,
        state=state,
        url_token=sealed if state == "ready" else None,
        reason=reason,
    )


def went_to(response: ClientResponse) -> tuple[str, dict[str, str]]:
    """Where a 303 sends the browser: the URL without its query, and the parameters."""
    assert response.status == 303
    split = urlsplit(response.headers["location"])
    given = parse_qs(split.query, keep_blank_values=True)
    assert all(len(values) == 1 for values in given.values())
    return split._replace(query="").geturl(), {name: value for name, (value,) in given.items()}


def assert_strict(response: ClientResponse) -> None:
    """The headers that every answer to a browser has."""
    headers = response.headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    policy = dict(
        part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert policy["style-src"].startswith("'sha256-")
    assert not [name for name in policy if "script" in name]
    assert "unsafe" not in headers["content-security-policy"]
