"""Which role needs which settings, and which secrets it must not hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from service.settings.auditing import Audit, Auditing
from service.settings.failover import DispatchSettings, Failover
from service.settings.groups import (
    AtRest,
    Database,
    Kafka,
    Opening,
    Process,
    Sealing,
    Web,
    Webhooks,
)
from service.settings.healing import Healing
from service.settings.metriport import Metriport, WebhookSetupSettings
from service.settings.observing import Observing
from service.settings.pacing import Pacing
from service.settings.reader import Described, Reader, SettingsError
from service.settings.retention import Retention
from service.settings.rules import Rules
from service.settings.secret import Secret
from service.settings.tools import ToolsSettings
from service.settings.watching import Watching


class Role(StrEnum):
    """What one process does."""

    INGRESS = "ingress"
    CONSUMERS = "consumers"
    GATEWAY = "gateway"
    MIGRATE = "migrate"
    TOPICS = "topics"
    AUDIT = "audit"
    REENCRYPT = "reencrypt"
    WEBHOOK = "webhook"
    DISPATCH = "dispatch"
    TOOLS = "tools"


FORBIDDEN: Final[dict[Role, tuple[str, ...]]] = {
    Role.INGRESS: (
        "METRIPORT_API_KEY",
        "ENCRYPTION_KEYS",
        "SEALING_PRIVATE_KEYS",
        "AUDIT_SIGNING_KEY",
        "MIGRATION_DATABASE_URL",
    ),
    Role.CONSUMERS: ("METRIPORT_API_KEY", "MIGRATION_DATABASE_URL"),
    Role.GATEWAY: (
        "METRIPORT_WEBHOOK_KEYS",
        "SEALING_PRIVATE_KEYS",
        "CALLBACK_MAC_KEYS",
        "AUDIT_SIGNING_KEY",
        "MIGRATION_DATABASE_URL",
    ),
    Role.MIGRATE: ("METRIPORT_API_KEY", "ENCRYPTION_KEYS", "SEALING_PRIVATE_KEYS"),
    Role.TOPICS: ("METRIPORT_API_KEY", "ENCRYPTION_KEYS", "SEALING_PRIVATE_KEYS"),
    Role.AUDIT: ("METRIPORT_API_KEY", "SEALING_PRIVATE_KEYS", "AUDIT_SIGNING_KEY"),
    Role.REENCRYPT: ("METRIPORT_API_KEY", "METRIPORT_WEBHOOK_KEYS", "AUDIT_SIGNING_KEY"),
    Role.DISPATCH: ("METRIPORT_API_KEY", "SEALING_PRIVATE_KEYS", "AUDIT_SIGNING_KEY"),
    Role.TOOLS: ("METRIPORT_API_KEY", "AUDIT_SIGNING_KEY", "MIGRATION_DATABASE_URL"),
    Role.WEBHOOK: ("ENCRYPTION_KEYS", "SEALING_PRIVATE_KEYS", "AUDIT_SIGNING_KEY"),
}
"""Secrets that a role has no use for: holding them only widens what a break-in gives."""


@dataclass(frozen=True, kw_only=True)
class IngressSettings:
    """For ``metriport-ias ingress``."""

    process: Process
    database: Database
    kafka: Kafka
    web: Web
    webhooks: Webhooks
    sealing: Sealing
    observing: Observing


@dataclass(frozen=True, kw_only=True)
class ConsumersSettings:
    """For ``metriport-ias consumers``."""

    process: Process
    database: Database
    kafka: Kafka
    web: Web
    webhooks: Webhooks
    sealing: Sealing
    opening: Opening
    at_rest: AtRest
    audit: Audit
    rules: Rules
    retention: Retention


@dataclass(frozen=True, kw_only=True)
class GatewaySettings:
    """For ``metriport-ias gateway``."""

    process: Process
    database: Database
    web: Web
    at_rest: AtRest
    metriport: Metriport
    pacing: Pacing
    rules: Rules
    watching: Watching
    healing: Healing
    failover: Failover
    observing: Observing


@dataclass(frozen=True, kw_only=True)
class MigrateSettings:
    """For ``metriport-ias migrate``."""

    url: Secret[str]


@dataclass(frozen=True, kw_only=True)
class TopicsSettings:
    """For ``metriport-ias topics``."""

    kafka: Kafka


@dataclass(frozen=True, kw_only=True)
class AuditSettings:
    """For ``metriport-ias audit``."""

    database: Database
    auditing: Auditing


@dataclass(frozen=True, kw_only=True)
class ReencryptSettings:
    """For ``metriport-ias reencrypt``."""

    database: Database
    at_rest: AtRest
    opening: Opening
    sealing_public_key: bytes


def read_ingress(reader: Reader) -> IngressSettings:
    """Read the ingress's settings."""
    return IngressSettings(
        process=Process.read(reader),
        database=Database.read(reader),
        kafka=Kafka.read(reader),
        web=Web.read(reader),
        webhooks=Webhooks.read(reader),
        sealing=Sealing.read(reader),
        observing=Observing.read(reader),
    )


def read_consumers(reader: Reader) -> ConsumersSettings:
    """Read the consumers' settings."""
    return ConsumersSettings(
        process=Process.read(reader),
        database=Database.read(reader),
        kafka=Kafka.read(reader),
        web=Web.read(reader),
        webhooks=Webhooks.read(reader),
        sealing=Sealing.read(reader),
        opening=Opening.read(reader),
        at_rest=AtRest.read(reader),
        audit=Audit.read(reader),
        rules=Rules.read(reader),
        retention=Retention.read(reader),
    )


def read_gateway(reader: Reader) -> GatewaySettings:
    """Read the gateway's settings."""
    metriport = Metriport.read(reader)
    return GatewaySettings(
        process=Process.read(reader),
        database=Database.read(reader),
        web=Web.read(reader),
        at_rest=AtRest.read(reader),
        metriport=metriport,
        pacing=Pacing.read(reader, metriport.api_url),
        rules=Rules.read(reader),
        watching=Watching.read(reader),
        healing=Healing.read(reader),
        failover=Failover.read(reader),
        observing=Observing.read(reader),
    )


def read_migrate(reader: Reader) -> MigrateSettings:
    """Read the migration's settings."""
    return MigrateSettings(
        url=reader.database_url(
            "MIGRATION_DATABASE_URL", "postgresql:// URL with the owner's role."
        )
    )


def read_topics(reader: Reader) -> TopicsSettings:
    """Read what is needed to set up topics."""
    return TopicsSettings(kafka=Kafka.read(reader))


def read_audit(reader: Reader) -> AuditSettings:
    """Read what checking and exporting the audit needs."""
    return AuditSettings(database=Database.read(reader), auditing=Auditing.read(reader))


def read_reencrypt(reader: Reader) -> ReencryptSettings:
    """Read what is needed to wrap and seal everything again."""
    return ReencryptSettings(
        database=Database.read(reader),
        at_rest=AtRest.read(reader),
        opening=Opening.read(reader),
        sealing_public_key=reader.public_key(
            "SEALING_PUBLIC_KEY", "X25519 key that messages are sealed to."
        ),
    )


RoleSettings = (
    IngressSettings
    | ConsumersSettings
    | GatewaySettings
    | MigrateSettings
    | TopicsSettings
    | AuditSettings
    | ReencryptSettings
    | WebhookSetupSettings
    | DispatchSettings
    | ToolsSettings
)

_READERS: Final[dict[Role, Callable[[Reader], RoleSettings]]] = {
    Role.INGRESS: read_ingress,
    Role.CONSUMERS: read_consumers,
    Role.GATEWAY: read_gateway,
    Role.MIGRATE: read_migrate,
    Role.TOPICS: read_topics,
    Role.AUDIT: read_audit,
    Role.REENCRYPT: read_reencrypt,
    Role.WEBHOOK: WebhookSetupSettings.read,
    Role.DISPATCH: DispatchSettings.read,
    Role.TOOLS: ToolsSettings.read,
}


def load(role: Role, environ: Mapping[str, str]) -> RoleSettings:
    """The settings of one role.

    Raises:
        SettingsError: whatever is missing or wrong, all of it, by name and without values.
    """
    reader = Reader(environ)
    settings = _READERS[role](reader)
    if reader.problems:
        raise SettingsError(reader.problems)
    return settings


def misplaced_secrets(role: Role, environ: Mapping[str, str]) -> list[str]:
    """Names of secrets that this role was given and must not hold."""
    return [name for name in FORBIDDEN[role] if name in environ or f"{name}_FILE" in environ]


def describe(role: Role) -> list[Described]:
    """Every setting that the role reads, for the documentation."""
    reader = Reader({})
    _READERS[role](reader)
    return reader.described
