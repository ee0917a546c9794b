"""Three nodes of Apache Kafka as one cluster: replication 3, ``min.insync.replicas`` 2.

One node may be lost and nothing that was acknowledged is; with two away the third refuses writes. Each
client that is to be cut off by itself has a listener of its own on every node (``tests.stack.kafka``).
"""

from collections.abc import Mapping, Sequence
from typing import Final, Self

from tests.stack.kafka import ApacheKafka, Listener, Seat
from tests.stack.ports import free_ports

NODES: Final = 3
MEMORY: Final = "384m"


class KafkaCluster:
    """Its nodes are numbered from 0. ``advertised``: for each client, the proxies' ports, node by node."""

    is_ours = True

    def __init__(
        self, advertised: Mapping[str, Sequence[int]] | None = None, *, nodes: int = NODES
    ) -> None:
        controllers = free_ports(nodes)
        cluster = Seat().cluster
        self._ports = {name: free_ports(nodes) for name in advertised or {}}
        self.nodes = [
            ApacheKafka(
                listeners=[
                    Listener(name=name, port=self._ports[name][place], advertised=ports[place])
                    for name, ports in (advertised or {}).items()
                ],
                seat=Seat(number=place + 1, controllers=controllers, cluster=cluster),
                memory=MEMORY,
            )
            for place in range(nodes)
        ]

    @property
    def bootstrap_servers(self) -> str:
        """Every node, for clients that no proxy stands before."""
        return ",".join(node.bootstrap_servers for node in self.nodes)

    def port_of(self, listener: str, node: int) -> int:
        """Where a node really listens for this client: the proxy's upstream."""
        return self._ports[listener][node]

    def start(self) -> Self:
        """Start all, then wait for each: none answers before two of three controllers agree."""
        for node in self.nodes:
            node.begin()
        for node in self.nodes:
            node.wait_ready()
        return self

    def stop(self) -> None:
        """End every node."""
        for node in self.nodes:
            node.stop()

    def freeze(self) -> None:
        """Nobody answers; every connection stays open."""
        for node in self.nodes:
            node.freeze()

    def thaw(self) -> None:
        """All answer again."""
        for node in self.nodes:
            node.thaw()

    def kill(self) -> None:
        """End every node at once; logs stay."""
        for node in self.nodes:
            node.kill()

    def restart(self) -> None:
        """Every node again, on its ports and logs."""
        self.kill()
        self.start()

    def answers(self, *, within: float = 1.0) -> bool:
        """Whether every node answers in this time."""
        return all(node.answers(within=within) for node in self.nodes)
