"""Nobody but a server with a certificate that is trusted for its name is ever told anything (I7)."""

from pathlib import Path
from typing import Any

import pytest

from service.gateway.outcome import Accepted, NotSent, Unknown
from tests.fuzz.profiles import IS_DEEP

from .calls import CALLS, NETWORK_QUERY, marked
from .certificates import self_signed
from .conftest import Connect
from .proxy import Cut, How, Way, proxied
from .recorder import Recorder, answer, recording

STEP = 1 if IS_DEEP else 41
"""Every byte of the handshake, or every so many of them."""


@pytest.mark.parametrize(
    ("trusted", "wrong"),
    [
        (False, {}),
        (True, {"host": "127.0.0.2"}),
        (True, {"expired": True}),
    ],
    ids=["unknown issuer", "other name", "expired"],
)
async def test_a_server_that_cannot_prove_itself_is_told_nothing(
    connect: Connect,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trusted: bool,  # noqa: FBT001 - a parameter of the test
    wrong: dict[str, Any],
) -> None:
    certificate = self_signed(tmp_path, **wrong)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    async with recording(certificate.server) as server:
        client = await connect(server.url("https"))
        for operation, request in CALLS.items():
            assert await client.call(operation, request) == NotSent()
        assert server.requests == []
        assert server.bytes_read == 0


async def test_a_server_that_is_trusted_for_its_name_is_called(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the refusals above would prove nothing."""
    certificate = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    async with recording(certificate.server) as server:
        client = await connect(server.url("https"))
        for operation, request in CALLS.items():
            assert await client.call(operation, request) == Accepted(b"{}")
        assert len(server.requests) == server.connections == len(CALLS)


@pytest.mark.parametrize("impatient", [True, False], ids=["answers", "waits"])
async def test_a_server_without_tls_on_an_https_url_is_told_nothing(
    connect: Connect,
    recorder: Recorder,
    impatient: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    recorder.impatient = impatient
    recorder.answer = answer("400 Bad Request", b"The plain HTTP request was expected")
    client = await connect(recorder.url("https"), seconds=5 if impatient else 0.4)
    assert await client.call("start_network_query", NETWORK_QUERY) == NotSent()
    assert recorder.requests == []
    assert recorder.connections == 1


@pytest.mark.parametrize("how", How)
@pytest.mark.parametrize("way", Way)
async def test_a_handshake_cut_anywhere_is_not_sent_and_what_follows_it_is_unknown(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way, how: How
) -> None:
    """I3: once unknown, it stays so; and what is taken for not sent was never received."""
    certificate = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    async with recording(certificate.server) as server, proxied(server.port) as proxy:
        client = await connect(proxy.url("https"))
        assert await client.call("start_network_query", NETWORK_QUERY) == Accepted(b"{}")
        outcomes = []
        for after in range(0, proxy.passed[way], STEP):
            proxy.cut = Cut(way, after, how)
            request = marked(NETWORK_QUERY, after)
            outcomes.append(type(await client.call("start_network_query", request)))
            await proxy.idle()
        await server.idle()
        arrived = server.marks()
    for number, kind in enumerate(outcomes):
        assert kind in (NotSent, Unknown, Accepted)
        times = arrived[number * STEP]
        assert times == 0 if kind is NotSent else times <= 1
        assert times == 1 or kind is not Accepted
    stages = list(dict.fromkeys(outcomes))
    assert stages in ([NotSent, Unknown], [NotSent, Unknown, Accepted])
    assert [kind for stage in stages for kind in outcomes if kind is stage] == outcomes
