"""The two roles of the spool: the ingress that may only insert, the consumers that may open."""

from collections.abc import AsyncIterator

import pytest

from service.crypto.sealing import Opener, Sealer
from service.ingress.durability import InSpool
from service.settings.secret import Secret
from service.store.pool import open_database
from service.store.unit import Vault
from tests.stack.postgres import EmbeddedPostgres
from tests.support.settings import SEALING_PRIVATE_KEY, SEALING_PUBLIC_KEY

INGRESS_ROLE = "spool_test_ingress"


@pytest.fixture
def opener() -> Opener:
    """What only consumers hold."""
    return Opener((SEALING_PRIVATE_KEY,))


@pytest.fixture
async def in_spool(postgres: EmbeddedPostgres, migrated_database: str) -> AsyncIterator[InSpool]:
    """The spool as the ingress uses it, with the ingress's rights."""
    postgres.execute(
        f"do $$ begin create role {INGRESS_ROLE} login in role ias_ingress;"
        " exception when duplicate_object then null; end $$"
    )
    url = Secret(postgres.dsn(migrated_database, user=INGRESS_ROLE))
    async with open_database(url, 4, Vault(None)) as database:
        yield InSpool(database.connection, Sealer(SEALING_PUBLIC_KEY))
