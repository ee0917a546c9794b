"""What a Kubernetes Service is for its clients: one address, and a new connection goes to a pod that is ready.

A pod that says that it is not ready any more is still given connections for a while: what watches pods,
and every node's table, follows behind. Connections that stand are left alone, as nodes leave them.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tests.soak.fleet import Replica
from tests.stack.processes import answers
from tests.store.proxy import proxied

LONGEST_LAG_SECONDS: Final = 3.0
"""From "not ready" to no more new connections: a readiness probe's period in ``deploy``."""

_LOOK_SECONDS: Final = 0.1


class Endpoints:
    """The ports of the replicas that are given connections, in turn."""

    def __init__(self, rng: random.Random, longest_lag: float = LONGEST_LAG_SECONDS) -> None:
        self._rng = rng
        self._longest_lag = longest_lag
        self._ports: list[int] = []
        self.port = 0
        """The one address."""

    @property
    def count(self) -> int:
        """How many replicas are given connections."""
        return len(self._ports)

    def pick(self) -> int:
        """Whose turn it is.

        Raises:
            ConnectionRefusedError: no replica is ready.
        """
        if not self._ports:
            raise ConnectionRefusedError("no replica is ready")
        self._ports.append(self._ports.pop(0))
        return self._ports[-1]

    async def follow(self, replica: Replica) -> None:
        """Give it connections while it is ready, and for a moment longer; until its process has ended."""
        lag = self._rng.uniform(0.0, self._longest_lag)
        try:
            while replica.process.is_running:
                if await asyncio.to_thread(answers, replica.readiness):
                    self.join(replica.port)
                elif replica.port in self._ports:
                    await asyncio.sleep(lag)
                    self.leave(replica.port)
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            self.leave(replica.port)

    def join(self, port: int) -> None:
        """Give it connections."""
        if port not in self._ports:
            self._ports.append(port)

    def leave(self, port: int) -> None:
        """Give it no new ones."""
        self._ports = [one for one in self._ports if one != port]


@asynccontextmanager
async def service(endpoints: Endpoints) -> AsyncIterator[None]:
    """The address answers while the context stands."""
    async with proxied(endpoints.pick) as proxy:
        endpoints.port = proxy.port
        yield
