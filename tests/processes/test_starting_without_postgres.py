"""Consumers and gateway that start while Postgres is away wait for it, and say so.

A rolling deployment in a short outage is no crash: the process lives, is not ready, and goes on as soon as
the database answers. What waiting cannot mend still ends the process.
"""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos.proxy import Proxies, Weather
from tests.local.deployment import ROOT, Deployment
from tests.stack.ports import free_port, free_ports
from tests.stack.processes import Supervised, answers
from tests.stack.waiting import wait_until

pytestmark = pytest.mark.process

ROLES = ("consumers", "gateway")
AWAY = (Weather.REFUSING, Weather.BLACKHOLE)
"""Not there yet; frozen, or cut off."""
SAYS_SO = "store.database_not_there"


class Starting:
    """A role that was started while its way to Postgres was bad; ``become_fair`` mends the way."""

    def __init__(self, process: Supervised, proxies: Proxies, internal: int) -> None:
        self.process = process
        self._proxies = proxies
        self._internal = internal

    def answers(self, probe: str) -> bool:
        return answers(f"http://127.0.0.1:{self._internal}/{probe}")

    def become_fair(self) -> None:
        self._proxies.become("postgres", Weather.FAIR)

    def wait_for_tries(self, number: int) -> None:
        """Wait until it said so often that it has no database."""

        def tried() -> bool:
            assert self.process.is_running, self.process.log_tail(3)
            return self.process.log_path.read_text().count(SAYS_SO) >= number

        wait_until(tried, within=30.0, what=f"{number} tries")


@contextmanager
def starting(
    deployment: Deployment, role: str, weather: Weather, folder: Path, database: str = ""
) -> Iterator[Starting]:
    door, internal = free_ports(2)
    proxies = Proxies(random.Random(1)).start()
    try:
        proxies.add("postgres", door, deployment.postgres.port)
        proxies.become("postgres", weather)
        environment = deployment.environment(role)
        url = environment["DATABASE_URL"].replace(f":{deployment.postgres.port}/", f":{door}/")
        environment |= {"DATABASE_URL": url, "INTERNAL_PORT": str(internal)}
        if database:
            environment["DATABASE_URL"] = f"postgresql://postgres@127.0.0.1:{door}/{database}"
        command = [sys.executable, "-m", "consumers", role]
        log = folder / f"{role}.log"
        with Supervised(role, command, env=environment, log_path=log, cwd=ROOT) as process:
            yield Starting(process, proxies, internal)
    finally:
        proxies.stop()


@pytest.mark.parametrize("weather", AWAY)
@pytest.mark.parametrize("role", ROLES)
def test_a_role_that_starts_without_postgres_lives_is_not_ready_and_goes_on_when_it_is_there(
    deployment: Deployment, tmp_path: Path, role: str, weather: Weather
) -> None:
    with starting(deployment, role, weather, tmp_path) as late:
        late.wait_for_tries(2)
        assert late.answers("livez")
        assert not late.answers("readyz")
        late.become_fair()
        late.process.wait_ready(lambda: late.answers("readyz"), within=40.0)
        assert late.process.terminate(15.0) == 0


@pytest.mark.parametrize("role", ROLES)
def test_a_role_that_waits_for_postgres_stops_when_it_is_told(
    deployment: Deployment, tmp_path: Path, role: str
) -> None:
    """With 0, and long before its pod's grace is over."""
    with starting(deployment, role, Weather.BLACKHOLE, tmp_path) as late:
        late.wait_for_tries(1)
        assert late.process.terminate(10.0) == 0


@pytest.mark.parametrize("role", ROLES)
def test_a_database_that_comes_late_and_is_too_old_ends_the_role_with_what_to_do(
    deployment: Deployment, tmp_path: Path, role: str
) -> None:
    name = f"late_and_old_{role}_{free_port()}"
    deployment.postgres.create_database(name)
    with starting(deployment, role, Weather.REFUSING, tmp_path, database=name) as late:
        late.wait_for_tries(1)
        late.become_fair()
        assert late.process.wait(within=20.0) == 1
        said = late.process.log_tail(3)
        assert "run `metriport-ias migrate`" in said
        assert "Traceback" not in said
    deployment.postgres.drop_database(name)


@pytest.mark.parametrize("role", ROLES)
def test_a_database_that_refuses_the_login_is_not_waited_for(
    deployment: Deployment, tmp_path: Path, role: str
) -> None:
    """That is a wrong setting, and it is seen at once: nothing about it passes by waiting."""
    url = f"postgresql://nobody_of_this_name@127.0.0.1:{deployment.postgres.port}/postgres"
    environment = deployment.environment(role) | {
        "DATABASE_URL": url,
        "INTERNAL_PORT": str(free_port()),
    }
    command = [sys.executable, "-m", "consumers", role]
    log = tmp_path / f"{role}.log"
    with Supervised(role, command, env=environment, log_path=log, cwd=ROOT) as process:
        assert process.wait(within=20.0) == 1
        assert SAYS_SO not in log.read_text()
