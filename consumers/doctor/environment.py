"""The settings at hand: for which roles they are whole, and what is odd about them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from consumers.doctor.finding import Finding, ok, warning, wrong
from service.settings.reader import SettingsError
from service.settings.roles import Role, load, misplaced_secrets
from service.store.transport import is_protected

RUNNING: Final = (Role.INGRESS, Role.CONSUMERS, Role.GATEWAY)
CHECK: Final = "settings"


def problems(role: Role, environ: Mapping[str, str]) -> list[str]:
    """What is missing or wrong for a role, by name and without values."""
    try:
        load(role, environ)
    except SettingsError as error:
        return error.problems
    return []


def check(environ: Mapping[str, str], asked: Sequence[Role] = ()) -> Iterator[Finding]:
    """Without roles that were asked for: those whose settings are whole; at least one has to be."""
    found = {role: problems(role, environ) for role in asked or RUNNING}
    whole = [role for role, missing in found.items() if not missing]
    shown = found if asked else {role: found[role] for role in whole or [_nearest(found)]}
    for role, missing in shown.items():
        if missing:
            yield wrong(CHECK, "; ".join(missing), "set them; README.md lists every one", role)
        else:
            yield ok(CHECK, "complete", role)
    if len(whole) == 1:
        yield from _misplaced(whole[0], environ)
    yield from _odd(environ)


def _nearest(found: Mapping[Role, list[str]]) -> Role:
    """The role that lacks least: most likely the one that was meant."""
    return min(found, key=lambda role: len(found[role]))


def _misplaced(role: Role, environ: Mapping[str, str]) -> Iterable[Finding]:
    """Only where one role's settings are at hand: a person who looks after all of them has them all."""
    for name in misplaced_secrets(role, environ):
        yield warning(
            "settings.secrets",
            f"{name} is set, and {role.value} has no use for it",
            "take it away: it only widens what a break-in gives",
            role,
        )


def _odd(environ: Mapping[str, str]) -> Iterator[Finding]:
    public = environ.get("PUBLIC_URL", "")
    if public and urlsplit(public).scheme != "https":
        yield warning(
            "settings.public-url",
            "PUBLIC_URL is not https",
            "give the ingress a certificate: browsers keep its cookie over https alone, and Metriport"
            " demands it of redirect URLs",
        )
    if environ.get("KAFKA_BOOTSTRAP_SERVERS") and not environ.get(
        "KAFKA_SECURITY_PROTOCOL", ""
    ).endswith("SSL"):
        yield warning(
            "settings.kafka-transport",
            "the way to Kafka is not encrypted",
            "set KAFKA_SECURITY_PROTOCOL to SSL or SASL_SSL",
        )
    database = environ.get("DATABASE_URL", "")
    if database and not is_protected(database):
        yield warning(
            "settings.database-transport",
            "the database does not have to prove its name",
            "add sslmode=verify-full and sslrootcert to DATABASE_URL",
        )
