"""A plugin: the consumers' handlers with the keys of the tests."""

from collections.abc import Callable

import pytest

from consumers.context import Context
from consumers.processor import Processor
from consumers.reading import Reader
from consumers.resuming import Resumer
from consumers.unparking import Unparker
from service.crypto.keys import KeyRing
from service.crypto.sealing import Opener, Sealer
from service.store.pool import Database
from tests.support.settings import (
    MAC_KEY,
    SEALING_PRIVATE_KEY,
    SEALING_PUBLIC_KEY,
    WEBHOOK_KEY,
    rules,
    web,
)


@pytest.fixture
def context() -> Context:
    """Surroundings of the handlers."""
    return Context(
        rules=rules(),
        web=web(),
        sealer=Sealer(SEALING_PUBLIC_KEY),
        opener=Opener((SEALING_PRIVATE_KEY,)),
    )


@pytest.fixture
def reader(context: Context) -> Reader:
    """Reads records with the keys of the tests."""
    return Reader(context.opener, lambda: (WEBHOOK_KEY.encode(),), KeyRing((MAC_KEY,)))


@pytest.fixture
def process(make_process: Callable[[], Processor]) -> Processor:
    """Handles records to their end."""
    return make_process()


@pytest.fixture
def make_process(database: Database, reader: Reader, context: Context) -> Callable[[], Processor]:
    """Another process's processor."""
    return lambda: Processor(database, reader, context)


@pytest.fixture
def resumer(database: Database, reader: Reader, context: Context) -> Resumer:
    """Tries stopped types again."""
    return Resumer(database, reader, context)


@pytest.fixture
def unparker(database: Database, context: Context) -> Unparker:
    """Handles parked webhooks."""
    return Unparker(database, context)
