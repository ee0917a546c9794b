"""``metriport-ias dispatch``: what it says, what it does, and its exit codes."""

import asyncio
import base64
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from service.store.pool import Database
from tests.local.deployment import ROOT
from tests.stack.postgres import EmbeddedPostgres
from tests.support import people
from tests.support.outbox import bodies, kinds
from tests.support.plugin import SERVICE_ROLE
from tests.support.settings import ENCRYPTION_KEY

HEAD = {
    "sequence": 0,
    "subjectId": "operators",
    "number": 5,
    "hash": "00" * 32,
    "sealedAt": "2026-06-01T10:00:00Z",
    "keyId": "a1b2c3d4",
    "signature": "00" * 64,
}


class Said(NamedTuple):
    """What a run of the command came to."""

    code: int
    out: str
    error: str


Tool = Callable[..., Awaitable[Said]]


@pytest.fixture
def tool(postgres: EmbeddedPostgres, migrated_database: str) -> Tool:
    """Run the command as an operator would."""
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": postgres.dsn(migrated_database, user=SERVICE_ROLE),
        "ENCRYPTION_KEYS": base64.b64encode(ENCRYPTION_KEY).decode(),
    }

    async def run(*arguments: str) -> Said:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "consumers", "dispatch", *arguments),
            env=environment,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, error = await process.communicate()
        return Said(process.returncode or 0, out.decode(), error.decode())

    return run


async def test_a_pause_is_told_and_ends_with_resume(database: Database, tool: Tool) -> None:
    """A mere pause leaves what is due as it is."""
    await people.due_query(database, await people.person(database))
    assert (await tool("status")).out.startswith("calls go out\n")
    assert (await tool("pause")).out == "paused\n"
    assert (await tool("pause")).out == "was stopped already\n"
    status = await tool("status", "--json")
    assert status.code == 1
    found = json.loads(status.out)
    assert (found["stopped"], found["changed"], found["unsent_queries"]) == ("paused", False, 1)
    resumed = await tool("resume", "--json")
    assert (resumed.code, json.loads(resumed.out)) == (0, {"resumed": True, "unknown_queries": 0})
    assert (await tool("resume")).out == "nothing was stopped\n"
    assert await kinds(database) == ["DispatchStopped", "DispatchResumed"]
    assert (await bodies(database, "DispatchStopped"))[0]["reason"] == "dispatch_paused"


async def test_a_restored_database_is_made_safe(database: Database, tool: Tool) -> None:
    """`pause --restored` also makes more of a mere pause, so that `resume` knows."""
    await people.due_query(database, await people.person(database))
    await tool("pause")
    await tool("pause", "--restored")
    assert "stopped: database_changed" in (await tool("status")).out
    said = await tool("resume")
    assert (said.code, said.out) == (
        0,
        "calls go out again; queries of unknown outcome now: 1\n",
    )
    assert (await tool("status")).code == 0


async def test_a_change_that_no_gateway_has_noticed_yet_is_told(
    database: Database, tool: Tool
) -> None:
    await people.sql(database, "update known_cluster set timeline = 77")
    status = await tool("status")
    assert status.code == 1
    assert "not noticed by a gateway yet" in status.out
    assert (await tool("resume", "--nothing-lost")).code == 0
    assert (await tool("status")).code == 0


async def test_a_published_head_that_is_not_there_proves_the_loss(
    database: Database, tool: Tool, tmp_path: Path
) -> None:
    """What Kafka, or a file elsewhere, knows of the audit, and the database does not."""
    heads = tmp_path / "heads"
    heads.write_text(json.dumps(HEAD) + "\n")
    status = await tool("status", "--heads", str(heads))
    assert "PROVEN" in status.out
    refused = await tool("resume", "--nothing-lost", "--heads", str(heads))
    assert refused.code == 1
    assert "without --nothing-lost" in refused.error
    assert await people.count(database, "dispatch_stop", loss_proven=True) == 1
    assert (await tool("resume", "--heads", str(heads))).code == 0


async def test_a_chain_that_went_on_differently_proves_it_too(
    database: Database, tool: Tool, tmp_path: Path
) -> None:
    """After a loss the sealer goes on, and has the numbers again with other hashes."""
    await people.sql(
        database,
        "insert into audit_chain (number, entry_id, recorded_at, entry_digest, previous, hash, sealed_at)"
        " values (5, gen_random_uuid(), now(), decode(repeat('00', 32), 'hex'),"
        " decode(repeat('00', 32), 'hex'), decode(repeat('11', 32), 'hex'), now())",
    )
    heads = tmp_path / "heads"
    for known, proven in (("00", True), ("11", False)):
        heads.write_text(json.dumps(HEAD | {"hash": known * 32}) + "\n")
        assert ("PROVEN" in (await tool("status", "--heads", str(heads))).out) is proven


async def test_its_help_teaches(tool: Tool) -> None:
    about = await tool("--help")
    assert "may be the mark of a query" in " ".join(about.out.split())
    assert "NetworkQueryOutcomeUnknown" in (await tool("resume", "--help")).out
    assert (await tool("rewind")).code == 2
