"""The statements of one unit: some put off and written together, some answered by what was read ahead.

A batch of messages needs few round trips when its rows are read at once (``ahead``) and its writes
travel together (``later``). Neither can change what a handler sees, by construction: before any
statement that is not answered from what was read ahead, everything put off is written and everything
read ahead is forgotten; and a write that is put off forgets what was read ahead about its row.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from asyncpg.pool import PoolConnectionProxy

_NOT_READ: Final = object()

T = TypeVar("T")


class Statements:
    """A unit's connection. The first argument of a statement names the row that it is about."""

    def __init__(self, connection: "PoolConnectionProxy") -> None:
        self._connection = connection
        self._later: dict[str, list[tuple[Any, ...]]] = {}
        self._ahead: dict[str, dict[tuple[Any, ...], Any]] = {}
        self._about: dict[Any, list[tuple[str, tuple[Any, ...]]]] = {}
        self.before_others: Callable[[], Awaitable[None]] | None = None
        """Writes what else was put off (the outbox)."""
        self.drop_others: Callable[[], None] | None = None
        """Forgets it, when a savepoint is rolled back."""
        self.asked = 0
        """How many statements were sent."""
        self.waited = 0.0
        """Seconds spent waiting for their answers."""

    def later(self, sql: str, *args: Any) -> None:  # noqa: ANN401 - what asyncpg takes
        """Write this before the next statement, or at the commit, with others of its kind.

        Rows of one statement keep their order; different statements must not depend on theirs.
        """
        self._later.setdefault(sql, []).append(args)
        for read, of in self._about.pop(args[0], ()):
            self._ahead[read].pop(of, None)

    def ahead(self, sql: str, *args: Any, answer: Any) -> None:  # noqa: ANN401 - as above
        """Answer this statement, which must change nothing, with what was read for a whole batch."""
        self._ahead.setdefault(sql, {})[args] = answer
        self._about.setdefault(args[0], []).append((sql, args))

    def knows(self, sql: str, *args: Any) -> bool:  # noqa: ANN401 - as above
        """Whether the statement would be answered without asking."""
        return args in self._ahead.get(sql, {})

    async def settle(self) -> None:
        """Write everything that was put off."""
        if self.before_others is not None:
            await self.before_others()  # which may put off more
        await self._write_later()

    async def _write_later(self) -> None:
        later, self._later = self._later, {}
        for sql, rows in later.items():
            await self._timed(self._connection.executemany(sql, rows))

    async def read(self, sql: str, *args: Any) -> Any:  # noqa: ANN401 - as above
        """All rows of what is to be known ahead: changes nothing, so nothing is forgotten."""
        await self._write_later()
        return await self._timed(self._connection.fetch(sql, *args))

    async def fetch(self, sql: str, *args: Any) -> Any:  # noqa: ANN401 - as above
        """All rows."""
        return await self._ask(self._connection.fetch, sql, args)

    async def fetchrow(self, sql: str, *args: Any) -> Any:  # noqa: ANN401 - as above
        """The first row."""
        return await self._ask(self._connection.fetchrow, sql, args)

    async def fetchval(self, sql: str, *args: Any) -> Any:  # noqa: ANN401 - as above
        """The first value of the first row."""
        return await self._ask(self._connection.fetchval, sql, args)

    async def execute(self, sql: str, *args: Any) -> str:  # noqa: ANN401 - as above
        """The statement's tag."""
        await self._make_true()
        return str(await self._timed(self._connection.execute(sql, *args)))

    async def executemany(self, sql: str, rows: Any) -> None:  # noqa: ANN401 - as above
        """The statement for every row."""
        await self._make_true()
        await self._timed(self._connection.executemany(sql, rows))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """A savepoint: what was put off inside it is written, or rolled back, with it."""
        await self._make_true()
        try:
            async with self._connection.transaction():
                yield
                await self.settle()
        except BaseException:
            self._later.clear()
            self._forget()
            if self.drop_others is not None:
                self.drop_others()
            raise

    async def _ask(
        self, method: Callable[..., Awaitable[Any]], sql: str, args: tuple[Any, ...]
    ) -> Any:  # noqa: ANN401 - as above
        if sql in self._ahead:
            known = self._ahead[sql].get(args, _NOT_READ)
            if known is not _NOT_READ:
                return known
        await self._make_true()
        return await self._timed(method(sql, *args))

    async def _timed(self, asking: Awaitable[T]) -> T:
        self.asked += 1
        began = time.monotonic()
        try:
            return await asking
        finally:
            self.waited += time.monotonic() - began

    async def _make_true(self) -> None:
        self._forget()
        await self.settle()

    def _forget(self) -> None:
        self._ahead.clear()
        self._about.clear()
