"""The probe, and everything else that is asked of the vendor beside due calls: each counts for the day."""

from service.gateway import protocol
from service.gateway.call_classes import PROBE
from service.gateway.client import VendorClient
from service.gateway.outcome import Outcome
from service.gateway.protocol import VendorRequest
from service.store import quota
from service.store.pool import Database


async def probe(database: Database, client: VendorClient) -> Outcome:
    """``GET /settings``: does the vendor answer, and does it accept our key?"""
    return await ask(database, client, PROBE, protocol.probe_key())


async def ask(
    database: Database, client: VendorClient, name: str, request: VendorRequest
) -> Outcome:
    """Make a call that other calls depend on: it is counted, and never kept back by the count."""
    async with database.transaction() as unit:
        await quota.count(unit)
    return await client.call(name, request)
