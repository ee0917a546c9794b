"""What an outage leaves is seen: no re-send, a webhook left at the vendor, one without an effect."""

from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import ClientSession

from tests.bench.wire import PATH
from tests.local.settings import API_KEY, LocalSettings
from tests.metriport_sandbox.kernel import Sandbox
from tests.soak import refused
from tests.soak.answering import answering
from tests.soak.refused import broken_in, missing, refuse, until_well, vendor
from tests.soak.storm_judge import inbox_row
from tests.stack.ports import free_ports

IDS = ["a", "b", "c"]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused, "ASKED_WITHIN", 0.3)


@pytest.fixture
def settings() -> LocalSettings:
    ingress, sandbox = free_ports(2)
    return LocalSettings(
        ingress_port=ingress,
        sandbox_port=sandbox,
        internal_ports={},
        return_url="",
        bootstrap_servers="",
        keys={},
    )


@pytest.fixture
async def outage(settings: LocalSettings) -> AsyncIterator[Sandbox]:
    """Three webhooks were refused by an ingress that is away."""
    async with vendor(settings, 0.0, 1) as sandbox:
        assert await refuse(sandbox, 3) == 3
        yield sandbox


async def _ask(settings: LocalSettings) -> None:
    url = f"{settings.sandbox_url}/settings/webhook/retry"
    async with ClientSession() as http, http.post(url, headers={"x-api-key": API_KEY}) as answer:
        assert answer.status == 200


async def test_without_a_re_send_nothing_is_well(outage: Sandbox) -> None:
    figures = await until_well(outage, 0.3)
    assert figures == {"retry_requested_after_s": None, "all_well_after_s": None}
    assert sum(outage.sender.counts()) == 3


async def test_a_re_send_that_fails_leaves_them(outage: Sandbox, settings: LocalSettings) -> None:
    await _ask(settings)
    figures = await until_well(outage, 0.5)
    assert figures["retry_requested_after_s"] is not None
    assert figures["all_well_after_s"] is None
    assert sum(outage.sender.counts()) == 3


async def test_a_re_send_that_is_taken_ends_it(outage: Sandbox, settings: LocalSettings) -> None:
    async with answering([], port=settings.ingress_port, path=PATH):
        await _ask(settings)
        figures = await until_well(outage, 5.0)
    assert figures["all_well_after_s"] >= figures["retry_requested_after_s"]
    assert outage.sender.counts() == (0, 0)


def _rows(*ids: str) -> list[str]:
    return [f"{source} {digest.hex()}" for source, digest in map(inbox_row, ids)]


def test_each_has_to_be_in_the_inbox_once() -> None:
    assert missing(IDS, _rows("a", "b", "c", "another")) == 0
    assert missing(IDS, _rows("a", "c")) == 1
    assert missing(IDS, _rows("a", "a", "b", "c")) == 1


@pytest.mark.parametrize(
    "change",
    [lambda f: f | {"refused": 2}, lambda f: f | {"left": 1}, lambda f: f | {"missing": 1}],
)
def test_each_of_them_breaks_it(change: Callable[[dict[str, int]], dict[str, int]]) -> None:
    good = {"refused": 3, "left": 0, "missing": 0}
    assert broken_in(good, 3) == 0
    assert broken_in(change(good), 3) == 1
