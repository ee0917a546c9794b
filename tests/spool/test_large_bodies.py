"""Bodies up to 32 MiB: packed, kept aside where a record should not carry them, and whole again."""

import gzip
import os
import zlib
from contextlib import AbstractAsyncContextManager, suppress
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.topics import Topic
from service.bus.packing import NotPackedError, pack, unpack
from service.crypto.sealing import Opener, Sealer, place
from service.ingress.large import LargeAside
from service.store.large_bodies import read, referenced
from service.store.late import NotConnectedError
from service.store.pool import Connection, Database
from tests.spool.fakes import FakeStore, record
from tests.support.settings import SEALING_PUBLIC_KEY

MIB = 1024 * 1024


def test_a_small_body_is_carried_as_it_is() -> None:
    body = b"x" * (256 * 1024)
    assert pack(body) == (body, None)


def test_a_larger_body_is_gzip_that_any_tool_unpacks() -> None:
    body = b'{"documents":[' + b'{"fileName":"a"},' * 200_000 + b"{}]}"
    carried, encoding = pack(body)
    assert encoding == "gzip"
    assert len(carried) < len(body) / 10
    assert gzip.decompress(carried) == body
    assert unpack(carried, encoding, 32 * MIB) == body


def test_what_hardly_gets_smaller_is_carried_as_it_is() -> None:
    """Packing 32 MiB of noise would take a good part of the time that the vendor waits."""
    body = os.urandom(MIB).hex().encode()  # gzip makes a little more than half of it
    assert pack(body) == (body, None)


def test_the_same_body_packs_to_the_same_bytes() -> None:
    """Whenever it is packed: no time of packing is within (MTIME, RFC 1952, section 2.3)."""
    body = b'{"fileName":"a"},' * 30_000
    carried, _ = pack(body)
    assert carried[:2] == b"\x1f\x8b"
    assert carried[4:8] == bytes(4)
    assert pack(body)[0] == carried


def test_a_bomb_is_cut_at_the_limit() -> None:
    bomb = gzip.compress(b"\0" * (64 * MIB))
    with pytest.raises(NotPackedError):
        unpack(bomb, "gzip", 32 * MIB)


@pytest.mark.parametrize(
    "broken", [b"", b"not gzip", gzip.compress(b"whole")[:-3]], ids=["empty", "no gzip", "cut off"]
)
def test_broken_gzip_is_refused(broken: bytes) -> None:
    with pytest.raises(NotPackedError):
        unpack(broken, "gzip", MIB)


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(NotPackedError):
        unpack(zlib.compress(b"x"), "deflate", MIB)


@given(st.binary(max_size=2_000))
@settings(max_examples=300)
def test_nothing_but_its_own_error_comes_out_of_unpacking(carried: bytes) -> None:
    with suppress(NotPackedError):
        assert len(unpack(carried, "gzip", 1_000)) <= 1_000


def nowhere() -> AbstractAsyncContextManager[Connection]:
    raise NotConnectedError("on purpose")


async def test_a_body_above_8_mib_is_referred_to_and_opens_again(
    database: Database, opener: Opener
) -> None:
    """I6, I7."""
    body = os.urandom(9 * MIB)
    kept = FakeStore()
    large = LargeAside(database.connection, Sealer(SEALING_PUBLIC_KEY), kept)
    await large.keep(record()._replace(value=body))
    (referring,) = kept.kept
    assert referring.value == b""
    dataref = referring.attributes.extensions["dataref"]
    body_id = referenced(dataref)
    assert isinstance(body_id, UUID)
    async with database.connection() as connection:
        sealed = await read(connection, body_id)
    assert sealed is not None
    assert body[:100] not in sealed
    assert opener.open(sealed, place("large_body", Topic.WEBHOOKS, str(body_id))) == body


async def test_without_postgres_a_large_body_goes_whole_rather_than_nowhere() -> None:
    """I6."""
    body = os.urandom(9 * MIB)
    kept = FakeStore()
    await LargeAside(nowhere, Sealer(SEALING_PUBLIC_KEY), kept).keep(record()._replace(value=body))
    assert kept.kept[0].value == body


async def test_a_record_of_ordinary_size_is_left_alone() -> None:
    kept = FakeStore()
    await LargeAside(nowhere, Sealer(SEALING_PUBLIC_KEY), kept).keep(record())
    assert kept.kept == [record()]
