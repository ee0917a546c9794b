"""Where a browser may be sent back to: a listed URL, letter for letter (RFC 9700 section 2.1)."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.reasons import Reason
from service.ias.return_url import refuse_return_url, with_parameters

LISTED = "https://app.example.com/ias/return"
ALLOWED = frozenset({LISTED, "https://app.example.com/back?lang=en"})


def test_a_listed_url_is_allowed() -> None:
    for url in ALLOWED:
        assert refuse_return_url(url, ALLOWED) is None


@pytest.mark.parametrize(
    "url",
    [
        f"{LISTED}/",
        f"{LISTED}?",
        f"{LISTED}#",
        f"{LISTED}?next=1",
        f"{LISTED}/../return",
        f"{LISTED}\\",
        f" {LISTED}",
        f"{LISTED}\n",
        f"{LISTED}%20",
        "http://app.example.com/ias/return",
        "HTTPS://app.example.com/ias/return",
        "https://APP.example.com/ias/return",
        "https://app.example.com/IAS/return",
        "https://app.example.com:443/ias/return",
        "https://app.example.com./ias/return",
        "https://app.example.com@evil.example/ias/return",
        "https://evil.example@app.example.com/ias/return",
        "https://app.example.com\\@evil.example/ias/return",
        "https://evil.example\\app.example.com/ias/return",
        "https:\\\\app.example.com/ias/return",
        "//app.example.com/ias/return",
        "https:/app.example.com/ias/return",
        "https://app.example.com.evil.example/ias/return",
        "https://\u0430pp.example.com/ias/return",
        "https://app.example.com/ias%2Freturn",
        "https://app.example.com/back",
        "https://app.example.com/back?lang=de",
        "javascript:alert(1)",
        "",
    ],
)
def test_anything_that_differs_by_a_letter_is_refused(url: str) -> None:
    refused = refuse_return_url(url, ALLOWED)
    assert refused is not None
    assert (refused.reason, refused.field) == (Reason.RETURN_URL_NOT_ALLOWED, "returnUrl")
    assert not url or url not in refused.message


@given(st.text())
def test_an_empty_list_allows_nothing(url: str) -> None:
    assert refuse_return_url(url, frozenset()) is not None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (LISTED, f"{LISTED}?code=c-1&request=r%262"),
        (f"{LISTED}?lang=en", f"{LISTED}?lang=en&code=c-1&request=r%262"),
        (f"{LISTED}?", f"{LISTED}?code=c-1&request=r%262"),
        (f"{LISTED}#/done", f"{LISTED}?code=c-1&request=r%262#/done"),
        (f"{LISTED}?a=b#/done", f"{LISTED}?a=b&code=c-1&request=r%262#/done"),
        ("https://app.example.com", "https://app.example.com?code=c-1&request=r%262"),
    ],
)
def test_parameters_join_the_query_that_is_there(url: str, expected: str) -> None:
    assert with_parameters(url, code="c-1", request="r&2") == expected


@given(value=st.text())
def test_a_value_cannot_add_parameters_or_leave_the_query(value: str) -> None:
    split = urlsplit(with_parameters(f"{LISTED}?lang=en#top", code=value))
    assert (split.netloc, split.path, split.fragment) == ("app.example.com", "/ias/return", "top")
    assert parse_qs(split.query, keep_blank_values=True) == {"lang": ["en"], "code": [value]}
