"""Whether this code and this database can work together, so that old and new run side by side."""

from typing import Final

from asyncpg import UndefinedTableError

from service.store.pool import Connection

CODE_LEVEL: Final = 18
"""Raised with every release that needs a new shape of the database."""

NEEDS_LEVEL: Final = 18
"""The oldest shape that this code can work with."""

NEWEST = "select level, serves_code_from from schema_level order by level desc limit 1"


class IncompatibleDatabaseError(Exception):
    """The database is too old for this code, or too new."""


async def check(connection: Connection) -> None:
    """Refuse a database that this code cannot work with.

    Raises:
        IncompatibleDatabaseError: says what to do.
    """
    try:
        row = await connection.fetchrow(NEWEST)
    except UndefinedTableError:
        row = None
    if row is None or row["level"] < NEEDS_LEVEL:
        raise IncompatibleDatabaseError("the database is too old: run `metriport-ias migrate`")
    if row["serves_code_from"] > CODE_LEVEL:
        raise IncompatibleDatabaseError("the database is too new: deploy a newer release")
