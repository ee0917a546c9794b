"""The command line of ``metriport-ias doctor``."""

import argparse
import os
from collections.abc import Mapping, Sequence
from typing import Final, Protocol, Self, TypeVar

from asyncpg import PostgresError

from consumers.command_line import FOUND_WRONG, OK, add_json, say, say_json, teach
from consumers.doctor import capabilities, environment, finding, kafka, postgres, vendor
from consumers.doctor.capabilities import HOSTED, Past
from consumers.doctor.finding import Finding, Verdict, warning
from service.gateway.client import open_client
from service.settings.failover import Failover, Policy
from service.settings.groups import Database, Kafka, Webhooks
from service.settings.metriport import Metriport
from service.settings.reader import Reader
from service.settings.roles import Role
from service.store import health
from service.store.pool import TRANSIENT, open_database
from service.store.unit import Vault

_WRONG_SETTINGS: Final = 2
_ABOUT: Final = (
    "Looks whether everything is as it has to be, and says of each check whether it is ok, a warning (it works, "
    "and something promised does not hold) or wrong, and what to do. It checks what the settings at hand lead to: "
    "Kafka and its topics, Postgres, Metriport's key and webhook. Run it where a process runs, or with all "
    "settings. It changes nothing; Metriport is asked with GETs alone."
)


class _Readable(Protocol):
    """A group of settings."""

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the group."""


G = TypeVar("G", bound=_Readable)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The grammar of the command."""
    teach(
        parser,
        _ABOUT,
        example="metriport-ias doctor --role consumers --json",
        ends={
            OK: "nothing is wrong (there may be warnings)",
            FOUND_WRONG: "something is wrong",
            _WRONG_SETTINGS: "wrong arguments, or the settings of a --role are not whole",
        },
    )
    parser.add_argument(
        "--role",
        dest="roles",
        action="append",
        choices=[role.value for role in environment.RUNNING],
        default=[],
        help="these settings are meant for this role: exit with 2 unless they are whole (repeatable)",
    )
    parser.add_argument(
        "--capabilities",
        action="store_true",
        help="also what the account can do: IAS, facility, allow-list, shapes of refusals",
    )
    parser.add_argument(
        "--ping",
        action="store_true",
        help="also have Metriport ping us, by setting the webhook URL to what it is",
    )
    parser.add_argument(
        "--knock",
        action="store_true",
        help="with --capabilities: ask for an identity session without a patient, which is refused either way",
    )
    add_json(parser)


async def run(options: argparse.Namespace) -> int:
    """Do what the command line asks; the exit code."""
    roles = [Role(name) for name in options.roles]
    environ = os.environ
    findings = [*environment.check(environ, roles), *await _look(environ, options)]
    told = finding.report(findings)
    if options.json:
        say_json(told)
    else:
        say("\n".join(finding.lines(told)))
    if any(environment.problems(role, environ) for role in roles):
        return _WRONG_SETTINGS
    return FOUND_WRONG if told.verdict is Verdict.WRONG else OK


async def _look(environ: Mapping[str, str], options: argparse.Namespace) -> list[Finding]:
    """Every check that the settings allow; one that they do not is told as a warning."""
    findings = [*await _kafka(environ), *await _postgres(environ)]
    metriport = _group(Metriport, environ)
    if metriport is None:
        return [*findings, _not_checked("vendor", "METRIPORT_API_KEY and METRIPORT_API_URL")]
    keys, public_url = _group(Webhooks, environ), environ.get("PUBLIC_URL", "").rstrip("/")
    async with open_client(metriport) as client:
        findings += await vendor.check(
            client,
            public_url=public_url or None,
            keys=() if keys is None else keys.keys.current(),
            ping=options.ping,
        )
    if options.capabilities:
        findings += await _capabilities(environ, metriport, knock=options.knock)
    return findings


async def _kafka(environ: Mapping[str, str]) -> Sequence[Finding]:
    settings = _group(Kafka, environ)
    if settings is None:
        return [_not_checked("kafka", "KAFKA_BOOTSTRAP_SERVERS")]
    return await kafka.check(settings)


async def _postgres(environ: Mapping[str, str]) -> Sequence[Finding]:
    settings, failover = _group(Database, environ), _group(Failover, environ)
    if settings is None:
        return [_not_checked("postgres", "DATABASE_URL")]
    trusts = failover is not None and failover.policy is Policy.TRUST
    return await postgres.check(settings, trusts_failover=trusts)


async def _capabilities(
    environ: Mapping[str, str], metriport: Metriport, *, knock: bool
) -> list[Finding]:
    seen = await capabilities.ask(metriport, knock=knock)
    judged = capabilities.judge(
        seen,
        await _past(environ),
        public_url=environ.get("PUBLIC_URL", "").rstrip("/") or None,
        treatment=environ.get("TREATMENT_ENABLED") == "true",
    )
    return list(judged)


async def _past(environ: Mapping[str, str]) -> Past:
    """What the database tells of earlier calls; nothing where it cannot be asked."""
    settings = _group(Database, environ)
    if settings is None:
        return Past([], {})
    try:
        async with (
            open_database(settings.url, 1, Vault(None)) as database,
            database.connection() as connection,
        ):
            asked = await health.asked(connection, [operation.value for operation in HOSTED])
            return Past(asked, await health.purposes(connection))
    except (*TRANSIENT, PostgresError):
        return Past([], {})


def _group(kind: type[G], environ: Mapping[str, str]) -> G | None:
    """The group, if its settings are there and right."""
    reader = Reader(environ)
    settings = kind.read(reader)
    return None if reader.problems else settings


def _not_checked(check: str, needs: str) -> Finding:
    todo = f"run it where {needs} is set, too"
    return warning(check, f"not checked: {needs} is not set here, or not right", todo)
