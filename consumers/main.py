"""The command line: ``metriport-ias ROLE``. Exit codes: 0 done, 1 a part died, 2 settings are wrong."""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import structlog

import schemas
from consumers import reencrypt, tool_logs
from consumers.auditing import tool
from consumers.command_line import FOUND_WRONG, OK
from consumers.dead_letters import tool as dead_letters
from consumers.dispatching import tool as dispatching
from consumers.doctor import tool as doctor
from consumers.endings import ending
from consumers.flow import tool as flow
from consumers.grammar import parser
from consumers.kafka_setup import tool as kafka_setup
from consumers.keys import fresh_keys
from consumers.observing import tool as observing
from consumers.processes import garbage
from consumers.processes.consumers import consumers
from consumers.processes.gateway import gateway
from consumers.processes.ingress import ingress
from consumers.processes.lifecycle import Role as RunningRole
from consumers.processes.lifecycle import run
from consumers.reaching import using_postgres
from consumers.replaying import tool as replaying
from consumers.webhook_setup import tool as webhook_setup
from service.settings.reader import SettingsError
from service.settings.roles import (
    MigrateSettings,
    Role,
    load,
    misplaced_secrets,
)
from service.settings.table import table
from service.telemetry import traces

OPENAPI: Final = Path(schemas.__file__).parent / "openapi.json"

BUILDERS: Final[Mapping[Role, Callable[[Any], RunningRole]]] = {
    Role.INGRESS: ingress,
    Role.CONSUMERS: consumers,
    Role.GATEWAY: gateway,
}
SERVING: Final = frozenset({"all", *(role.value for role in BUILDERS)})
"""These run until they are told to stop."""


async def webhooks(options: argparse.Namespace) -> int:
    """Metriport's webhook, and the webhooks that came."""
    replays = options.action == "replay"
    return await (replaying.run(options) if replays else webhook_setup.run(options))


TOOLS: Final[Mapping[str, Callable[[argparse.Namespace], Awaitable[int]]]] = {
    "audit": tool.run,
    "dead-letters": dead_letters.run,
    "dispatch": dispatching.run,
    "doctor": doctor.run,
    "flow": flow.run,
    "observe": observing.run,
    "reencrypt": reencrypt.run,
    "topics": kafka_setup.run,
    "webhook": webhooks,
    "webhooks": webhooks,
}

log = structlog.get_logger()


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point; ends the process with an exit code."""
    options = parser().parse_args(arguments)
    tool_logs.configure(options.role, os.environ, serves=options.role in SERVING)
    try:
        code = asyncio.run(_dispatch(options))
    except Exception as error:  # noqa: BLE001 - it is told, and the process ends
        code = _told(error)
    sys.exit(code)


def _told(error: Exception) -> int:
    """Say in a line why it did not work; by type and place alone if nobody expected it."""
    how = ending(error)
    if how is None:
        log.critical("process.crashed", exc_info=error)
        return FOUND_WRONG
    for line in how.lines:
        print(f"metriport-ias: {line}", file=sys.stderr)  # noqa: T201 - a tool talks to a person
    return how.code


async def _dispatch(options: argparse.Namespace) -> int:
    match options.role:
        case "keys" | "settings":
            text = "\n".join(fresh_keys()) if options.role == "keys" else table()
            print(text)  # noqa: T201 - this is its output
            return OK
        case "migrate":
            return await _migrate()
        case name if name in TOOLS:
            return await TOOLS[name](options)
        case "all":
            return await _serve((Role.INGRESS, Role.CONSUMERS, Role.GATEWAY))
        case name:
            return await _serve((Role(name),))


async def _serve(roles: Sequence[Role]) -> int:
    settings: list[Any] = []
    problems: list[str] = []
    for role in roles:
        try:
            settings.append(load(role, os.environ))
        except SettingsError as error:
            problems += [problem for problem in error.problems if problem not in problems]
    if problems:
        raise SettingsError(problems)
    process = settings[0].process
    garbage.settle()
    if len(roles) == 1:
        for name in misplaced_secrets(roles[0], os.environ):
            log.warning("settings.secret_not_needed", role=roles[0].value, name=name)
    running = [BUILDERS[role](given) for role, given in zip(roles, settings, strict=True)]
    name = roles[0].value if len(roles) == 1 else "all"
    with traces.exporting(os.environ, name):
        return await run(process, running, OPENAPI if Role.INGRESS in roles else None)


async def _migrate() -> int:
    settings = load(Role.MIGRATE, os.environ)
    if isinstance(settings, MigrateSettings):
        # A third of what a process would spend on its start, and no other role needs it.
        from migrations.run import migrate  # noqa: PLC0415 - as above

        with using_postgres("MIGRATION_DATABASE_URL"):
            await migrate(settings.url.reveal())
    return OK
