"""The life of a process: serve probes, watch the tasks, drain on SIGTERM, exit with a telling code.

Order on SIGTERM: readiness fails · ``DRAIN_DELAY`` for endpoints to follow · every role drains (at most
45 s, less than the pods' grace) · connections close. A task that dies ends the process with code 1, and so does
whatever keeps it from ending for 90 s.
A role that waits for its database has not started: the process lives, is not ready, and stops when told.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
from aiohttp import web

from service.ending import end
from service.ingress.connections import BACKLOG, RECEIVE_BYTES, GuardedRunner
from service.ingress.limits import CONNECTIONS
from service.settings.groups import Process
from service.telemetry.build import describe_build
from service.telemetry.internal import internal_app

DRAIN_SECONDS: Final = 45.0
_KEEP_ALIVE_SECONDS: Final = 65.0
SHUTDOWN_SECONDS: Final = 8.0
LAST_SECONDS: Final = (
    90.0  # more than all of the above; on Kubernetes a pod's grace is over by then
)
_LINGER_SECONDS: Final = 1.0  # for the rest of a body that was refused; aiohttp's 10 s hold a place
_INTERNAL_CONNECTIONS: Final = 256

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Running:
    """A role that runs."""

    name: str
    tasks: Sequence[asyncio.Task[None]]
    readiness: Callable[[], Mapping[str, bool]]
    drain: Callable[[], Awaitable[None]]


Role = AbstractAsyncContextManager[Running]


async def run(process: Process, roles: Sequence[Role], openapi: Path | None = None) -> int:
    """Run the roles until SIGTERM, SIGINT or the death of a task; the exit code."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        running: list[Running] = []
        app = internal_app(lambda: _readiness(running, stop), openapi)
        internal = serve(
            app,
            "0.0.0.0",  # noqa: S104 - a pod's own port
            process.internal_port,
            connections=_INTERNAL_CONNECTIONS,
        )
        await stack.enter_async_context(internal)
        running.extend(await _started(roles, stack, stop))
        died = bool(running) and await _live(process, running, stop)
    log.info("process.stopped", died=died)
    return 1 if died else 0


async def _started(
    roles: Sequence[Role], stack: AsyncExitStack, stop: asyncio.Event
) -> list[Running]:
    """Start every role; none when the process is told to stop first: a role may wait for its database."""
    starting = asyncio.timeout(None)
    try:
        async with starting, tasks(stopping=_end(starting, stop)):
            return [await stack.enter_async_context(role) for role in roles]
    except TimeoutError:
        if not starting.expired():
            raise
        return []


async def _end(starting: asyncio.Timeout, stop: asyncio.Event) -> None:
    await stop.wait()
    starting.reschedule(asyncio.get_running_loop().time())


async def _live(process: Process, running: Sequence[Running], stop: asyncio.Event) -> bool:
    """From the start of every role to its drained end; whether a task died."""
    describe_build([role.name for role in running])
    log.info("process.started", roles=[role.name for role in running])
    died = await _until_stop(running, stop)
    stop.set()
    delay = process.drain_delay.total_seconds()
    asyncio.get_running_loop().call_later(delay + LAST_SECONDS, _give_up)
    if not died:
        await asyncio.sleep(delay)
    await _drain(running)
    return died


def _give_up() -> None:
    """Whatever still hangs: a process that lives on and does nothing is not started again by anybody."""
    log.critical("process.did_not_end")
    sys.stderr.flush()
    sys.stdout.flush()
    os._exit(1)


def _readiness(running: Sequence[Running], stop: asyncio.Event) -> Mapping[str, bool]:
    parts = {
        f"{role.name}.{part}": ready for role in running for part, ready in role.readiness().items()
    }
    return {"started": bool(running), "not_stopping": not stop.is_set(), **parts}


async def _until_stop(running: Sequence[Running], stop: asyncio.Event) -> bool:
    """Wait for the signal or the first death; whether it was a death."""
    tasks = [task for role in running for task in role.tasks]
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
    dead = [task for task in done if task is not stopping]
    for task in dead:
        error = None if task.cancelled() else task.exception()
        log.error("process.task_died", task=task.get_name(), exc_info=error)
    return bool(dead)


async def _drain(running: Sequence[Running]) -> None:
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            for role in running:
                await role.drain()
    except TimeoutError:
        log.error("process.drain_timed_out")  # noqa: TRY400 - the place tells nothing


@asynccontextmanager
async def serve(
    app: web.Application, host: str, port: int, *, connections: int = CONNECTIONS
) -> AsyncIterator[web.AppRunner]:
    """Serve an application with the limits that aiohttp does not set by itself."""
    runner = GuardedRunner(
        app,
        connections=connections,
        access_log=None,  # aiohttp's own prints query strings
        keepalive_timeout=_KEEP_ALIVE_SECONDS,
        shutdown_timeout=SHUTDOWN_SECONDS,
        lingering_time=_LINGER_SECONDS,
        read_bufsize=RECEIVE_BYTES,
        auto_decompress=False,  # the signature is over the bytes received
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=BACKLOG).start()
        yield runner
    finally:
        await runner.cleanup()


@asynccontextmanager
async def tasks(**coroutines: Any) -> AsyncIterator[list[asyncio.Task[None]]]:  # noqa: ANN401 - any coroutine
    """Named tasks, cancelled and awaited at the end."""
    started = [asyncio.create_task(work, name=name) for name, work in coroutines.items()]
    try:
        yield started
    finally:
        await end(started)
