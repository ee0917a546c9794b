"""No answer of the ingress names its software: not to the vendor, nor to whoever sends nonsense."""

from collections.abc import Iterator

import pytest

from service.bus.publisher import PublishError
from service.ingress.records import OutRecord
from tests.overload import keys
from tests.overload.running import Held, connected, released, running

HOST = b"Host: ingress.example\r\nConnection: close\r\n"


def _plain(line: bytes, *headers: bytes) -> bytes:
    return line + b" HTTP/1.1\r\n" + HOST + b"".join(one + b"\r\n" for one in headers) + b"\r\n"


def _requests() -> Iterator[tuple[int, bytes]]:
    yield 200, keys.request(keys.ping(), "Connection: close")
    yield 200, keys.request(keys.webhook(), "Connection: close")
    yield 400, b"GET / HTTP/1.1\r\nHost : x\r\n\r\n"
    yield 401, _plain(b"POST /webhooks/metriport", b"Content-Length: 0")
    yield 404, _plain(b"GET /nowhere")
    yield 404, _plain(b"GET /go/aal2")
    yield 405, _plain(b"DELETE /webhooks/metriport")
    yield 413, keys.request(b"", "Connection: close", announced=32 * keys.MIB + 1)
    yield 415, keys.request(keys.ping(), "Content-Encoding: gzip", "Connection: close")
    yield 417, keys.request(b"", "Expect: a-miracle", "Connection: close")


@pytest.mark.parametrize(("status", "request_"), list(_requests()))
async def test_an_answer_does_not_name_its_software(status: int, request_: bytes) -> None:
    async with running(released()) as port, connected(port) as client:
        await client.send(request_)
        _is_silent(status, await client.ended())


@pytest.mark.parametrize(("status", "fault"), [(503, PublishError("away")), (500, ValueError())])
async def test_what_is_not_kept_is_refused_without_naming_it_either(
    status: int, fault: Exception
) -> None:
    class Failing(Held):
        async def keep(self, record: OutRecord) -> None:
            assert record.value
            raise fault

    async with running(Failing()) as port, connected(port) as client:
        await client.send(keys.request(keys.webhook(), "Connection: close"))
        _is_silent(status, await client.ended())


def _is_silent(status: int, answer: bytes) -> None:
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert head.split()[1] == str(status).encode()
    assert b"\r\nserver: ingress" in head
    for name in (b"aiohttp", b"python", b"metriport-ias"):
        assert name not in answer.lower()
