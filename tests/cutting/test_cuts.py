"""The connection is cut at every byte of the request and of the answer (I3)."""

import pytest

from service.gateway.client import VendorClient
from service.gateway.outcome import Accepted, Outcome, Unknown
from service.gateway.protocol import VendorRequest
from tests.fuzz.profiles import IS_DEEP

from .calls import CALLS
from .conftest import Connect
from .proxy import Cut, How, Proxy, Way
from .recorder import STARTED, Recorder

OPERATIONS = list(CALLS) if IS_DEEP else ["start_network_query", "get_network_query"]


class Bench:
    """One kind of call through the proxy, again and again."""

    def __init__(
        self, operation: str, client: VendorClient, proxy: Proxy, recorder: Recorder
    ) -> None:
        self.operation = operation
        self.request: VendorRequest = CALLS[operation]
        self._client, self._proxy, self._recorder = client, proxy, recorder

    async def call(self, cut: Cut | None) -> tuple[Outcome, int]:
        """Make the call; what it was taken for, and how often the server received it whole."""
        self._proxy.cut = cut
        self._recorder.requests.clear()
        self._recorder.bytes_read = 0
        outcome = await self._client.call(self.operation, self.request)
        await self._proxy.idle()
        await self._recorder.idle(self._proxy.dialled)
        return outcome, len(self._recorder.requests)


@pytest.fixture(params=OPERATIONS)
async def bench(
    request: pytest.FixtureRequest, connect: Connect, proxy: Proxy, recorder: Recorder
) -> Bench:
    """A call of each kind."""
    recorder.answer = STARTED
    return Bench(request.param, await connect(proxy.url()), proxy, recorder)


@pytest.fixture
async def length(bench: Bench, proxy: Proxy) -> dict[Way, int]:
    """How many bytes a sound call has in each direction."""
    outcome, received = await bench.call(None)
    assert (outcome, received) == (Accepted(b'{"requestId":"r","status":"processing"}'), 1)
    assert proxy.passed[Way.RESPONSE] == len(STARTED)
    return dict(proxy.passed)


@pytest.mark.parametrize("how", How)
async def test_a_request_cut_anywhere_is_never_taken_for_not_sent_when_it_arrived(
    bench: Bench, length: dict[Way, int], recorder: Recorder, how: How
) -> None:
    """I3: the connection stood, so nobody claims to know; and a whole request arrives at most once."""
    whole = length[Way.REQUEST]
    for after in range(whole + 1):
        outcome, received = await bench.call(Cut(Way.REQUEST, after, how))
        assert outcome == Unknown(), after
        assert received <= int(after == whole), after
        if how is How.FIN:
            assert (recorder.bytes_read, received) == (after, int(after == whole))


@pytest.mark.parametrize("how", How)
async def test_an_answer_cut_anywhere_is_unknown_and_the_call_is_not_made_again(
    bench: Bench, length: dict[Way, int], how: How
) -> None:
    """I3, I8: also a GET is received once, however its answer breaks."""
    whole = length[Way.RESPONSE]
    for after in range(whole + 1):
        outcome, received = await bench.call(Cut(Way.RESPONSE, after, how))
        assert received == 1, after
        allowed = (Unknown, Accepted) if after == whole else (Unknown,)
        assert isinstance(outcome, allowed), (after, outcome)
        if after == whole and how is How.FIN:
            assert isinstance(outcome, Accepted)


async def test_a_sound_connection_gives_no_ambiguous_outcome_however_small_the_packets(
    connect: Connect, proxy: Proxy, recorder: Recorder
) -> None:
    client = await connect(proxy.url())
    for in_single_bytes in (False, True):
        proxy.in_single_bytes = in_single_bytes
        for operation, request in CALLS.items():
            for _ in range(5):
                assert await client.call(operation, request) == Accepted(b"{}")
    assert len(recorder.requests) == recorder.connections == 2 * 5 * len(CALLS)
