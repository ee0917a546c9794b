"""The local stack for every test that asks for it, and a watch for tasks that tests leave behind.

Fixtures shared by the session are synchronous: every test has an event loop of its own, and what
lives longer than a loop must not belong to one.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.stack.broker import Broker, broker_from_environment
from tests.stack.lifetime import Stack
from tests.stack.postgres import EmbeddedPostgres

pytest_plugins = ("tests.support.plugin", "tests.support.processing")


@pytest.fixture(scope="session")
def local_stack() -> Iterator[Stack]:
    """Stops what the session started, also after Ctrl-C or SIGTERM."""
    with Stack() as stack:
        yield stack


@pytest.fixture(scope="session")
def postgres(local_stack: Stack) -> EmbeddedPostgres:
    """One cluster for the session; a test that crashes it must restart it."""
    return local_stack.start(EmbeddedPostgres())


@pytest.fixture(scope="session")
def broker(local_stack: Stack) -> Broker:
    """One broker for the session: ours, or the one ``KAFKA_BOOTSTRAP_SERVERS`` names."""
    return local_stack.start(broker_from_environment())


@pytest.fixture(autouse=True)
def no_task_left_behind(request: pytest.FixtureRequest) -> None:
    """Fail an asynchronous test that leaves a task running after its fixtures are closed."""
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("_task_watch")


@pytest.fixture
async def _task_watch(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)  # a task whose last await is over needs one turn of the loop to end
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    interrupted = request.session.exitstatus == pytest.ExitCode.INTERRUPTED  # its test still runs
    if left and not interrupted:
        pytest.fail("tasks left behind: " + ", ".join(sorted(map(repr, left))))
