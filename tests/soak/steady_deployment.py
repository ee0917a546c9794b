"""The deployment that works steadily: each role has a login of its own, so that Postgres says whose a connection is."""

from typing import Final

from tests.chaos.deployment import SETTINGS
from tests.deploy.image_steps import DOCKERFILE, environment
from tests.local.deployment import ROLES, Deployment
from tests.soak.standing import Servers
from tests.stack.lifetime import Stack
from tests.stack.ports import free_port

DATABASE: Final = "steady"
MORE: Final = {
    **SETTINGS,
    "LOG_LEVEL": "error",
    "KAFKA_SESSION_TIMEOUT_MS": "10000",
    **{
        name: value
        for name, value in environment(DOCKERFILE.read_text()).items()
        if name.startswith("MALLOC_")
    },
}
"""Short lives, as in chaos: whoever leaves half way has come to an end before the run has. And memory is
taken as in the image."""

VENDOR: Final = ("--step-seconds", "0.3", "--patient-limit", "1000000", "--quiet")


class SteadyDeployment(Deployment):
    """The usual one; each role has a login of its own, so that Postgres says whose a connection is."""

    def environment(self, role: str) -> dict[str, str]:
        """As usual, but for the login."""
        url = self.postgres.dsn(self.database, user=login(role))
        return super().environment(role) | {"DATABASE_URL": url}

    def _create_logins(self) -> None:
        for role in ROLES:
            group = "ias_ingress" if role == "ingress" else "ias_service"
            self.postgres.execute(
                f"drop role if exists {login(role)}",
                f"create role {login(role)} login in role {group}",
            )


def login(role: str) -> str:
    """Whom Postgres knows the role as."""
    return f"{DATABASE}_{role}"


def standing(stack: Stack, servers: Servers) -> SteadyDeployment:
    """The three roles and the double, not started."""
    return SteadyDeployment(
        stack,
        return_port=free_port(),
        servers=servers,
        name=DATABASE,
        more=MORE,
        sandbox_options=VENDOR,
    )
