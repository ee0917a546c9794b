"""Made-up browsers: links, cookies and queries that are ours, nearly ours, or nobody's."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Final
from urllib.parse import quote
from uuid import UUID, uuid4

from hypothesis import strategies as st

from schemas.ids import OpenId
from service.crypto import tokens
from service.ias.browser import COOKIE_PURPOSE, Cookie, Opened, Step
from service.store.hosted_pages import HostedPage
from tests.ingress.opening import LINK_KEYS
from tests.ingress.steps import AAL2, HOSTED_URL, IDENTITY, a_page, a_step, link

CANARY: Final = "canary-7f3a"
RETURN_URLS: Final = (
    "https://app.example.com/ias/return",
    "https://app.example.com/ias/return?tab=records",
)

_STEPS: Final = [
    a_step(kind, subject=f"user-{number}", binding=f"binding-{number}", return_url=url)
    for kind in (AAL2, IDENTITY)
    for number in (1, 2)
    for url in RETURN_URLS
]
_EXPIRED: Final = [a_step(kind, lives=timedelta(seconds=-1)) for kind in (AAL2, IDENTITY)]

_TEXTS: Final = st.text(max_size=40) | st.just(CANARY)
_VISIBLE: Final = st.text(st.characters(codec="latin-1", min_codepoint=32), max_size=60).filter(
    lambda text: "\x7f" not in text
)
"""What a header can hold: a parser refuses the rest before anybody looks (see ``test_wire``)."""


@dataclass(frozen=True)
class Visit:
    """One request of a browser, and the hosted page that there is for it."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    page: HostedPage | None
    fails: bool
    may_leave: bool = False
    """Whether the hosted page is the link's own, and ready."""

    def request(self) -> bytes:
        """As bytes; the target is percent-encoded by whoever made it up."""
        lines = [f"{self.method} {self.target} HTTP/1.1", "Host: ias.example.com"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


@st.composite
def _altered(draw: st.DrawFn, token: str) -> str:
    at = draw(st.integers(0, len(token) - 1))
    how = draw(st.sampled_from(["cut", "change", "append", "pad", "double"]))
    if how == "cut":
        return token[:at]
    if how == "change":
        return token[:at] + draw(st.characters()) + token[at + 1 :]
    return token + {"append": draw(_TEXTS), "pad": "=", "double": token}[how]


def _cookie_of(steps: list[Step], now: datetime) -> str:
    opened = [Opened(step, OpenId(uuid4()), now) for step in steps]
    return tokens.issue(LINK_KEYS, COOKIE_PURPOSE, Cookie(tuple(opened)))


def _good_token(step: Step) -> str:
    return link(step).removeprefix("/go/")


def _cookies(now: datetime) -> list[str]:
    """Of no step, of one, of two of every sort, and of as many as there can be."""
    ones = [[step] for step in (*_STEPS, *_EXPIRED)]
    twos = [list(pair) for pair in combinations((*_STEPS, *_EXPIRED), 2)]
    return [_cookie_of(steps, now) for steps in ([], *ones, *ones, *twos, _STEPS[:5], _STEPS[-5:])]


_COOKIES: Final = st.sampled_from(_cookies(datetime.now(UTC)))
_STEP_TOKENS: Final = st.sampled_from([_good_token(step) for step in (*_STEPS, *_EXPIRED)])
_OF_OTHER_PURPOSES: Final = _COOKIES | st.just(tokens.issue(LINK_KEYS, "link", "a text"))
_TOKENS: Final = st.one_of(
    _STEP_TOKENS,
    _STEP_TOKENS.flatmap(_altered),
    _OF_OTHER_PURPOSES,
    _TEXTS,
    st.sampled_from(["A" * 5_000, "..", "%", "\x00", "//evil.example", "\ud800", "é" * 64]),
)


@st.composite
def _cookie_header(draw: st.DrawFn) -> str:
    value = draw(st.one_of(_COOKIES, _COOKIES, _COOKIES.flatmap(_altered), _OF_OTHER_PURPOSES))
    ours = "__Host-ias=" + "".join(letter for letter in value if " " <= letter <= "~")
    header: str = draw(
        st.one_of(
            st.just(ours),
            st.just(ours),
            st.just(ours),
            st.just(f"a=b; {ours}; {CANARY}=1"),
            st.just(f"{ours}; __Host-ias={CANARY}"),
            st.just(f'__Host-ias="{value[:20]!a}'),
            _VISIBLE.map(lambda text: f"__Host-ias={text}"),
            _VISIBLE.map(lambda text: f"{text}; {ours}"),
            _VISIBLE,
        )
    )
    return header


_IDS: Final = st.uuids().map(str) | st.sampled_from(
    [
        "{00000000-0000-0000-0000-000000000000}",
        "urn:uuid:" + "0" * 32,
        "\u0660" * 32,
        "0_0" * 10,
        CANARY,
    ]
)
_QUERIES: Final = st.one_of(
    st.sampled_from(
        [
            f"aal2SessionId={CANARY}&status=verified",
            f"aal2SessionId={CANARY}%0d%0aset-cookie:%20a=b&status=verified",
            f"aal2SessionId={CANARY}&aal2SessionId=x&status=verified",
            f"aal2SessionId={CANARY}&status=failed&returnUrl=https://evil.example/{CANARY}",
            f"?aal2SessionId={CANARY}?status=verified",
            f"aal2SessionId={CANARY * 24}&status=verified",
            f"again&{CANARY}",
            "again",
            "",
            "&" * 200,
            "%" * 50,
            "status=verified&aal2SessionId=%ff%fe",
        ]
    ),
    st.lists(
        st.tuples(
            st.sampled_from(["aal2SessionId", "status", "again", "returnUrl", "code"]) | _TEXTS,
            st.sampled_from(["verified", CANARY, "https://evil.example/"]) | _TEXTS,
        ),
        max_size=5,
    ).map(lambda pairs: "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in pairs)),
)


def _encoded(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


@st.composite
def _hosted(draw: st.DrawFn, step: Step, open_id: UUID) -> HostedPage:
    state = draw(st.sampled_from(["ready", "ready", "waiting", "refused", "made up"]))
    reason = draw(st.sampled_from([None, "link_expired", "too_many_openings", "unheard_of"]))
    page = a_page(step, open_id, state, reason)
    if draw(st.integers(0, 3)) == 0:
        other = draw(st.sampled_from([None, "", "no token", page.url_token or ""]))
        page = page._replace(url_token=other)
    if draw(st.integers(0, 3)) == 0:
        page = page._replace(link_id=draw(st.sampled_from(_STEPS)).link_id)
    return page


@st.composite
def _waits(draw: st.DrawFn) -> tuple[str, HostedPage | None]:
    return f"/go/{_encoded(draw(_TOKENS))}/wait/{_encoded(draw(_IDS))}", None


_CALLBACKS: Final = st.sampled_from(["/callbacks/aal2", "/callbacks/identity"])
_WILD: Final = st.one_of(
    st.tuples(_TOKENS.map(lambda token: f"/go/{_encoded(token)}"), st.none()),
    _waits(),
    st.tuples(_CALLBACKS, st.none()),
    st.tuples(st.lists(_TEXTS.map(_encoded)).map(lambda at: "/" + "/".join(at)), st.none()),
)
_OTHERS: Final = ["Origin", "Referer", "X-Forwarded-Host", "Forwarded", "Accept", "User-Agent"]
_METHODS: Final = ["GET"] * 12 + ["POST"] * 6 + ["HEAD", "PUT", "OPTIONS", "PATCH"]


@st.composite
def wild_visits(draw: st.DrawFn) -> Visit:
    """Any request that a browser, or whoever plays one, can send."""
    target, page = draw(_WILD)
    query = draw(st.none() | _QUERIES)
    headers = [("Cookie", draw(_cookie_header()))] if draw(st.booleans()) else []
    others = draw(st.lists(st.sampled_from(_OTHERS), max_size=2, unique=True))
    headers += [(name, draw(st.just(CANARY) | _VISIBLE)) for name in others]
    return Visit(
        method=draw(st.sampled_from(_METHODS)),
        target=target if query is None else f"{target}?{query}",
        headers=tuple(headers),
        page=page,
        fails=draw(st.booleans()),
    )


@st.composite
def likely_visits(draw: st.DrawFn) -> Visit:
    """Requests with links and cookies of ours, so that most of them lead somewhere."""
    kind = draw(st.sampled_from(["open", "wait", "return", "return", "return"]))
    method, page, may_leave = "GET", None, False
    if kind == "open":
        method, target = "POST", f"/go/{draw(_STEP_TOKENS)}"
    elif kind == "wait":
        step, open_id = draw(st.sampled_from(_STEPS)), uuid4()
        page = draw(_hosted(step, open_id))
        may_leave = page.state == "ready" and page.link_id == step.link_id
        named = draw(st.sampled_from([str(open_id)] * 4) | _IDS.map(_encoded))
        target = f"{link(step)}/wait/{named}?{draw(st.sampled_from(['again', CANARY]))}"
        target += f"&{draw(_QUERIES)}"
    else:
        target = f"{draw(_CALLBACKS)}?{draw(_QUERIES)}"
    cookie = f"__Host-ias={draw(_COOKIES)}"
    return Visit(
        method,
        target,
        (("Cookie", cookie),),
        page,
        fails=draw(st.integers(0, 9)) == 9,
        may_leave=may_leave,
    )


__all__ = ["CANARY", "HOSTED_URL", "RETURN_URLS", "Visit", "likely_visits", "wild_visits"]
