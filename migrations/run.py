"""Bring a database to the newest shape: the one function behind ``metriport-ias migrate``."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine

HERE: Final = Path(__file__).parent
_PER_STATEMENT: Final = ";\n"


async def migrate(url: str) -> None:
    """Run every migration that the database lacks.

    ``url`` is a ``postgresql://`` URL of the owner's role, which may create roles.
    """
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = Config(HERE / "alembic.ini")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def statements(name: str) -> list[str]:
    """The statements of one file under ``sql/``; each ends with a semicolon at the end of a line."""
    text = (HERE / "sql" / name).read_text(encoding="utf-8")
    return [part.strip() for part in text.split(_PER_STATEMENT) if part.strip()]
