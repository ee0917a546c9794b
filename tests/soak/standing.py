"""What a campaign of webhooks stands on: Postgres, the broker, and no more of the roles than it needs."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.local.deployment import Deployment
from tests.overload.bench import memory_mib
from tests.soak import watched
from tests.stack.broker import Broker
from tests.stack.lifetime import Stack
from tests.stack.ports import LOOPBACK, free_port
from tests.stack.postgres import EmbeddedPostgres
from tests.stack.processes import Supervised, answers

Servers = tuple[EmbeddedPostgres, Broker]
QUIET: Mapping[str, str] = {
    "LOG_LEVEL": "error",
    "STATUS_POLLING": "false",
    "DELIVERY_HEALER": "false",
}


class Standing(Deployment):
    """The roles asked for, the ingress with a watch on its loop, and no vendor."""

    vendor_step = "no vendor"

    def __init__(
        self,
        stack: Stack,
        name: str,
        roles: Sequence[str],
        *,
        more: Mapping[str, str] | None = None,
        servers: Servers | None = None,
    ) -> None:
        super().__init__(
            stack,
            return_port=free_port(),
            name=name,
            more={**QUIET, **(more or {})},
            servers=servers,
        )
        self.roles = roles

    @property
    def lag_file(self) -> Path:
        """What the watch on the ingress's loop wrote."""
        return self.folder / "loop-lag"

    def start_sandbox(self) -> None:
        """There is none: the campaign is the vendor."""

    def start_role(self, role: str, more: Mapping[str, str] | None = None) -> Supervised:
        """As usual; the ingress is watched."""
        if role != "ingress":
            return super().start_role(role, more)
        command = [sys.executable, "-m", "tests.soak.watched", role]
        watch = {watched.VARIABLE: str(self.lag_file)}
        return self._run(role, command, self.environment(role) | watch | dict(more or {}))

    def is_well(self, role: str) -> bool:
        """Whether a role says now that it is ready."""
        return answers(f"http://{LOOPBACK}:{self.settings.internal_ports[role]}/readyz")

    def peak_mib(self, role: str) -> float:
        """The most memory that a role ever had resident."""
        return round(memory_mib(self.processes[role].pid, "VmHWM"), 1)

    def lag(self, since: float, until: float) -> dict[str, float]:
        """How late the ingress's loop was between two moments (``time.monotonic``)."""
        told = watched.lags(self.lag_file, since, until)
        return {
            "loop_lag_max_ms": round(max(one.worst for one in told) * 1e3, 1),
            "loop_lag_over_100_ms": sum(one.long for one in told),
        }
