"""One ingress for the folder."""

from collections.abc import Iterator

import pytest

from tests.fuzz.profiles import NAME, seed
from tests.fuzz.server import Server, started


def pytest_report_header() -> str:
    """How much is made up, and how to repeat it."""
    return f"fuzz: HYPOTHESIS_PROFILE={NAME} FUZZ_SEED={seed()}"


@pytest.fixture(scope="package")
def running() -> Iterator[Server]:
    """An ingress with fake stores."""
    with started() as server:
        yield server


@pytest.fixture(scope="module")
def server(running: Server) -> Iterator[Server]:
    """The ingress; nothing that a module of tests did to it may have failed a handler."""
    running.keeper.fails = False
    running.logs.forget()
    yield running
    running.keeper.fails = False
    text = running.logs.text()
    assert "handler_failed" not in text, text[-5_000:]
    assert "canary" not in text, text[-5_000:]
