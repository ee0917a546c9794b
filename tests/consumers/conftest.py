"""A processor with the keys of the tests."""

import pytest

from consumers.context import Context
from consumers.processor import Processor
from consumers.reading import Reader
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
def process(database: Database, context: Context) -> Processor:
    """Handles one record to its end."""
    reader = Reader(context.opener, lambda: (WEBHOOK_KEY.encode(),), KeyRing((MAC_KEY,)))
    return Processor(database, reader, context)


@pytest.fixture
def unparker(database: Database, context: Context) -> Unparker:
    """Handles parked webhooks."""
    return Unparker(database, context)
