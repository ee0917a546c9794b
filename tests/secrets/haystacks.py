"""Everything that a stranger could get hold of: the dump, the cluster's files, topics, logs, pages."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

from aiokafka import AIOKafkaConsumer

from tests.local.deployment import ROLES, Deployment
from tests.processes.observed import everything_in, read_topic
from tests.processes.scene import Scene
from tests.stack import cluster

INTERNAL_PAGES = ("metrics", "status", "readyz", "livez", "openapi.json")


def dump(deployment: Deployment) -> bytes:
    """The whole database as ``pg_dump`` writes it, roles and definitions included."""
    database = deployment.postgres.dsn(deployment.database)
    command = [str(cluster.program("pg_dump")), "-w", "--create", "-d", database]
    done = subprocess.run(
        command, env=cluster.ENVIRONMENT, check=True, capture_output=True, timeout=60
    )
    return done.stdout


def tables(scene: Scene) -> set[str]:
    """Every table and partition that holds rows of its own."""
    sql = (
        "select relname from pg_class c join pg_namespace n on n.oid = relnamespace"
        " where relkind = 'r' and nspname not in ('pg_catalog', 'information_schema')"
    )
    return set(scene.sql(sql).splitlines())


def cluster_files(deployment: Deployment) -> Iterator[tuple[str, bytes]]:
    """The cluster's own log, its write-ahead log, and the files of the database as they stand.

    Rows that were deleted long since are still in there.
    """
    folder = deployment.postgres.folder
    deployment.postgres.execute("checkpoint")
    oid = deployment.postgres.execute(
        f"select oid from pg_database where datname = '{deployment.database}'"  # noqa: S608 - ours
    )
    yield "Postgres log", (folder / "log").read_bytes()
    for part in ("pg_wal", f"base/{oid}"):
        for file in sorted((folder / "data" / part).iterdir()):
            if file.is_file():
                yield f"{part}/{file.name}", _read(file)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:  # Postgres recycles segments whenever it likes
        return b""


async def topics(deployment: Deployment) -> dict[str, list[bytes]]:
    """Every record of every topic of the deployment: key, headers and value."""
    settings = deployment.settings
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap_servers)
    await consumer.start()
    try:
        names = [name for name in await consumer.topics() if name.startswith(settings.topic_prefix)]
    finally:
        await consumer.stop()
    mine = sorted(name.removeprefix(settings.topic_prefix) for name in names)
    return {
        name: [everything_in(record) for record in await read_topic(deployment, name)]
        for name in mine
    }


def said(deployment: Deployment) -> dict[str, bytes]:
    """What every process of the service printed, one-off commands too; the double is not ours."""
    return {
        f"log of {log.stem}": log.read_bytes()
        for log in deployment.folder.glob("*.log")
        if log.stem != "metriport"
    }


async def pages(scene: Scene) -> dict[str, bytes]:
    """What the internal ports answer, and the command lines that anybody on the machine sees."""
    found = {}
    for role in ROLES:
        port = scene.deployment.settings.internal_ports[role]
        for page in INTERNAL_PAGES:
            async with scene.vendor.http.get(f"http://127.0.0.1:{port}/{page}") as answer:
                found[f"{role}/{page}"] = await answer.read()
        found[f"{role}/cmdline"] = _command_line(scene.deployment.processes[role].pid)
    return found


def _command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()
