"""Postgres as the tools reach it: where it cannot be used, one line says what to do.

What is said is the kind of the error and the setting's name. The text of an error, and the values of a traceback,
may hold the URL and with it the password.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import asyncpg

from consumers.command_line import ToolError
from service.crypto.keys import MissingKeyError
from service.settings.groups import Database as DatabaseSettings
from service.store import compatibility
from service.store.pool import TRANSIENT, Database, LimitsLostError, open_database
from service.store.unit import Vault

_CONNECTIONS: Final = 2
_REFUSED: Final = (
    asyncpg.InvalidAuthorizationSpecificationError,  # a wrong password is one
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.LockNotAvailableError,  # a migration does not wait for a table that is in use
)
_WRONG_SHAPE: Final = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)
_KNOWN: Final = (*TRANSIENT, *_REFUSED, *_WRONG_SHAPE, LimitsLostError)


@asynccontextmanager
async def postgres(
    settings: DatabaseSettings, vault: Vault, *, checked: bool = True
) -> AsyncIterator[Database]:
    """The database for the life of a tool; ``checked``: of a shape that this code can work with.

    Raises:
        ToolError: it cannot be used.
        IncompatibleDatabaseError: it is too old or too new.
    """
    with using_postgres("DATABASE_URL"):
        async with open_database(settings.url, _CONNECTIONS, vault) as database:
            if checked:
                async with database.connection() as connection:
                    await compatibility.check(connection)
            yield database


@contextmanager
def using_postgres(setting: str) -> Iterator[None]:
    """Say what is wrong with the database that ``setting`` leads to.

    Raises:
        ToolError: it cannot be used.
    """
    try:
        yield
    except BrokenPipeError:  # whoever read our output has gone
        raise
    except Exception as error:
        known = _known(error)
        if known is None:
            raise
        raise ToolError(unusable(known, setting)) from None


def unusable(error: BaseException, setting: str = "DATABASE_URL") -> str:
    """What is wrong, and what to do about it."""
    kind = type(error).__name__
    if isinstance(error, LimitsLostError):
        return str(error)
    if isinstance(error, MissingKeyError):
        return "ENCRYPTION_KEYS lacks a key that something in the database is under: add it, then run this again"
    if isinstance(error, _WRONG_SHAPE):
        return f"the database is not of this release's shape ({kind}): run `metriport-ias migrate`"
    return (
        f"Postgres cannot be used ({kind}): see that it runs and that {setting} leads to it,"
        " with a login that may do this; then run this again"
    )


def _known(error: BaseException | None) -> BaseException | None:
    """The error itself, or the one that SQLAlchemy wrapped for a migration."""
    while error is not None and not isinstance(error, _KNOWN):
        error = error.__cause__
    return error
