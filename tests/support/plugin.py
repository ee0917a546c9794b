"""Fixtures: a database of its own for every test, copied from one that was migrated once."""

import asyncio
import itertools
import logging
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import pytest
import structlog

from migrations.run import migrate
from service.crypto.keys import KeyRing
from service.settings.secret import Secret
from service.store.pool import Database, open_database
from service.store.unit import Vault
from tests.stack.postgres import EmbeddedPostgres
from tests.support.settings import ENCRYPTION_KEY

SERVICE_ROLE = "support_service"
"""Logs in and is a member of ``ias_service``: tests run with the rights of the real processes."""

POOL_SIZE = 8

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
"""Which worker this is, for names on servers that workers may share; empty when there is one."""

ALONE = frozenset({"durability", "overload"})
"""Folders of tests that load the machine and time its answers."""

BREAKING = frozenset({"durability"})
"""Folders of tests that break a broker of their own."""

_numbers = itertools.count(1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks that nobody has to remember: tests with a real server, and those that run alone."""
    for item in items:
        if {"postgres", "broker"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("edge")
        if "broker" in getattr(item, "fixturenames", ()) or item.path.parent.name in BREAKING:
            item.add_marker("kafka")
        if item.path.parent.name in ALONE:
            item.add_marker("alone")
        if item.path.parent.name == "browser":
            item.add_marker("browser")


@pytest.fixture(autouse=True)
def logs_as_they_were(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A tool that a test runs in this process sets up logs for good, on a stderr that ends with the test."""
    before, configure, root = structlog.get_config(), structlog.configure, logging.getLogger()
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions

    def uncached(**options: Any) -> None:
        configure(**options | {"cache_logger_on_first_use": False})

    monkeypatch.setattr(structlog, "configure", uncached)
    yield
    configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = raising


def allow_login(postgres: EmbeddedPostgres) -> None:
    """Make the role that tests log in as, where a database was migrated already."""
    postgres.execute(
        f"do $$ begin create role {SERVICE_ROLE} login in role ias_service;"
        " exception when duplicate_object then null; end $$"
    )


@pytest.fixture(scope="session")
def migrated_template(postgres: EmbeddedPostgres) -> str:
    """A database in the newest shape that nobody connects to, and the login role for tests."""
    name = f"support_template_{uuid.uuid4().hex[:8]}"
    postgres.create_database(name)
    with ThreadPoolExecutor(1) as thread:  # a loop of its own: this one's may belong to a test
        thread.submit(asyncio.run, migrate(postgres.dsn(name))).result()
    allow_login(postgres)
    return name


@pytest.fixture
def empty_database(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The name of a database without any table."""
    name = f"support_{next(_numbers)}_{uuid.uuid4().hex[:8]}"
    postgres.create_database(name)
    yield name
    postgres.drop_database(name)


@pytest.fixture
def migrated_database(postgres: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    """The name of a fresh database in the newest shape."""
    name = f"support_{next(_numbers)}_{uuid.uuid4().hex[:8]}"
    postgres.create_database(name, template=migrated_template)
    yield name
    postgres.drop_database(name)


@pytest.fixture
def vault() -> Vault:
    """Opens and makes data keys."""
    return Vault(KeyRing((ENCRYPTION_KEY,)))


@pytest.fixture
async def database(
    postgres: EmbeddedPostgres, migrated_database: str, vault: Vault
) -> AsyncIterator[Database]:
    """A fresh database as a process of the service sees it, with the service's rights."""
    url = Secret(postgres.dsn(migrated_database, user=SERVICE_ROLE))
    async with open_database(url, POOL_SIZE, vault) as opened:
        yield opened


@pytest.fixture
async def owner(
    postgres: EmbeddedPostgres, migrated_database: str
) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the owner's to the same database: sees and may change everything."""
    connection = await asyncpg.connect(postgres.dsn(migrated_database))
    try:
        yield connection
    finally:
        await connection.close()
