"""A sealer with a key of the tests, and ways to write, seal, tamper and check."""

import hashlib
from datetime import timedelta

import asyncpg
import pytest

from consumers.auditing import verification
from consumers.auditing.sealer import AuditSealer
from consumers.auditing.verification import Report
from schemas.events import AuditHeadPublished
from service.crypto.signing import SignatureCheck, Signer
from service.ias.audit import Kind
from service.store import audit
from service.store.pool import Database

SIGNING_KEY = hashlib.sha256(b"tests: audit").digest()
RETENTION_MONTHS = 73


class Ledger:
    """One database's audit in the hands of a test."""

    def __init__(self, database: Database, owner: asyncpg.Connection) -> None:
        self.database = database
        self.owner = owner
        self.signer = Signer(SIGNING_KEY)
        self.sealer = AuditSealer(database, self.signer, timedelta(0))

    async def write(self, count: int = 1) -> None:
        """Entries about the service, one transaction each."""
        for number in range(count):
            async with self.database.transaction() as unit:
                audit.record_operation(unit, Kind.KEYS_REENCRYPTED, rows=number)

    async def seal(self) -> int:
        """One round of the sealer."""
        return await self.sealer.round()

    async def sealed(self, count: int) -> None:
        """Write so many entries and chain them."""
        await self.write(count)
        while await self.seal():
            pass

    async def tamper(self, statement: str, *values: object) -> None:
        """Change rows as somebody would who owns the database and turned its triggers off."""
        async with self.owner.transaction():
            await self.owner.execute("set local session_replication_role = replica")
            await self.owner.execute(statement, *values)

    async def verify(
        self,
        *published: AuditHeadPublished,
        public_key: bytes | None = None,
        retention_months: int = RETENTION_MONTHS,
    ) -> Report:
        """What ``metriport-ias audit verify`` finds."""
        check = SignatureCheck((public_key or self.signer.public_key,))
        async with self.database.connection() as connection:
            return await verification.verify(connection, check, retention_months, published)

    async def numbers(self) -> list[int]:
        """The numbers of the chain, in order."""
        rows = await self.owner.fetch("select number from audit_chain order by number")
        return [row["number"] for row in rows]


@pytest.fixture
def ledger(database: Database, owner: asyncpg.Connection) -> Ledger:
    """The audit of a fresh database."""
    return Ledger(database, owner)
