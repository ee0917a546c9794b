"""The vendor's name does not resolve: nothing was sent, the circuit opens, and it goes on by itself (I3, I4)."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from service.store.pool import Database
from tests.support import people
from tests.support.outbox import kinds

from .conftest import Gateway, Start, Vendor, let_try, make_due, state_of

HOST = "api.vendor.test"
QUERY = "start-network-query"


class Names:
    """What this machine's resolver says of the vendor's name."""

    def __init__(self, really: Callable[..., Any]) -> None:
        self._really = really
        self.fault: int | None = socket.EAI_AGAIN
        self.asked = 0

    def look_up(self, host: str, *args: Any, **more: Any) -> Any:
        """As ``socket.getaddrinfo``."""
        if host != HOST:
            return self._really(host, *args, **more)
        self.asked += 1
        if self.fault is not None:
            raise socket.gaierror(self.fault, "no answer for the name")
        return self._really("127.0.0.1", *args, **more)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """A resolver that fails until it is told not to."""
    names = Names(socket.getaddrinfo)
    monkeypatch.setattr(socket, "getaddrinfo", names.look_up)
    return names


@pytest.fixture
async def named(start: Start, vendor: Vendor) -> Gateway:
    """A dispatcher that knows the vendor by its name."""
    return await start(url=vendor.url.replace("127.0.0.1", HOST))


@pytest.mark.parametrize("fault", [socket.EAI_AGAIN, socket.EAI_NONAME], ids=["again", "no name"])
async def test_queries_wait_out_a_resolver_that_fails(
    database: Database, named: Gateway, vendor: Vendor, names: Names, fault: int
) -> None:
    """Six different calls: provably not sent, each due again, and a circuit that is open after five."""
    names.fault = fault
    queries = []
    for number in range(6):
        who = await people.person(database, f"subject-{number}", f"patient-{number}")
        vendor.knows(who)
        queries.append(await people.due_query(database, who))
    await named.settle(2)
    assert {await state_of(database, one) for one in queries} == {"due"}
    assert await kinds(database) == []
    assert (await people.row(database, "circuit"))["state"] == "open"
    asked = names.asked
    await make_due(database)
    await named.settle()
    assert names.asked == asked, "nothing is tried while the circuit is open"
    names.fault = None
    for _ in range(3):
        await let_try(database)
        await make_due(database)
        await people.sql(database, "update pacing_slot set usable_at = now()")
        await named.settle()
    assert {await state_of(database, one) for one in queries} == {"started"}
    assert len(vendor.calls(QUERY)) == len(queries)
    assert (await people.row(database, "circuit"))["state"] == "closed"
