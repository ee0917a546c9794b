"""The settings as values, in groups; each field's unit, default and reason stands where it is read."""

from dataclasses import dataclass
from datetime import timedelta

from service.crypto.keys import KeyRing
from service.settings.keyfile import WebhookKeys
from service.settings.reader import Reader
from service.settings.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Process:
    """What every process needs."""

    http_port: int
    internal_port: int
    drain_delay: timedelta
    log_format: str
    log_level: str

    @classmethod
    def read(cls, reader: Reader) -> "Process":
        """Read the group."""
        return cls(
            http_port=reader.integer("HTTP_PORT", "Public port of the ingress.", 8080, 1, 65535),
            internal_port=reader.integer(
                "INTERNAL_PORT",
                "Port of probes and metrics; keep it inside the cluster.",
                9090,
                1,
                65535,
            ),
            drain_delay=timedelta(
                seconds=reader.integer(
                    "DRAIN_DELAY",
                    "Seconds between 'not ready' and closing the port, for endpoints to follow.",
                    5,
                    0,
                    60,
                )
            ),
            log_format=reader.choice(
                "LOG_FORMAT", "How log lines look.", ("json", "console"), "json"
            ),
            log_level=reader.choice(
                "LOG_LEVEL", "What is logged.", ("debug", "info", "warning", "error"), "info"
            ),
        )


@dataclass(frozen=True, kw_only=True)
class Database:
    """One role of the database per process."""

    url: Secret[str]
    pool_size: int

    @classmethod
    def read(cls, reader: Reader) -> "Database":
        """Read the group."""
        return cls(
            url=reader.database_url(
                "DATABASE_URL", "postgresql:// URL with this process's own role."
            ),
            pool_size=reader.integer(
                "DATABASE_POOL_SIZE", "Connections a process may hold.", 8, 1, 100
            ),
        )


@dataclass(frozen=True, kw_only=True)
class Kafka:
    """How to reach the brokers."""

    bootstrap_servers: str
    security_protocol: str
    sasl_mechanism: str
    sasl_username: str | None
    sasl_password: Secret[str] | None
    ssl_cafile: str | None
    topic_prefix: str
    session_timeout_ms: int
    fetch_max_wait_ms: int

    @classmethod
    def read(cls, reader: Reader) -> "Kafka":
        """Read the group."""
        return cls(
            bootstrap_servers=reader.text("KAFKA_BOOTSTRAP_SERVERS", "host:port, comma-separated."),
            security_protocol=reader.choice(
                "KAFKA_SECURITY_PROTOCOL",
                "Transport; anything but SSL or SASL_SSL is for development.",
                ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
                "PLAINTEXT",
            ),
            sasl_mechanism=reader.choice(
                "KAFKA_SASL_MECHANISM",
                "How to log in.",
                ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
                "SCRAM-SHA-512",
            ),
            sasl_username=reader.optional_text("KAFKA_SASL_USERNAME", "Name to log in with."),
            sasl_password=reader.optional_secret("KAFKA_SASL_PASSWORD", "Password to log in with."),
            ssl_cafile=reader.optional_text(
                "KAFKA_SSL_CAFILE", "CA bundle; the system's when absent."
            ),
            topic_prefix=reader.text(
                "KAFKA_TOPIC_PREFIX", "Put before every topic and group name.", ""
            ),
            session_timeout_ms=reader.integer(
                "KAFKA_SESSION_TIMEOUT_MS",
                "After this silence a consumer is replaced.",
                10000,
                1000,
                300000,
            ),
            fetch_max_wait_ms=reader.integer(
                "KAFKA_FETCH_MAX_WAIT_MS", "How long a fetch may wait for data.", 500, 5, 30000
            ),
        )


@dataclass(frozen=True, kw_only=True)
class Web:
    """Where browsers reach us and where they may be sent."""

    public_url: str
    return_urls: frozenset[str]
    link_keys: KeyRing

    @classmethod
    def read(cls, reader: Reader) -> "Web":
        """Read the group."""
        return cls(
            public_url=reader.url(
                "PUBLIC_URL",
                "Where browsers reach the ingress; its callbacks must be on Metriport's allow-list.",
            ),
            return_urls=reader.urls(
                "RETURN_URL_ALLOWLIST", "Every returnUrl that commands may name, letter for letter."
            ),
            link_keys=KeyRing(
                reader.keys("LINK_KEYS", "Seal link tokens, cookies and hosted URLs.").reveal()
            ),
        )


@dataclass(frozen=True, kw_only=True)
class Webhooks:
    """How Metriport's webhooks are recognised."""

    keys: WebhookKeys

    @classmethod
    def read(cls, reader: Reader) -> "Webhooks":
        """Read the group."""
        name = "METRIPORT_WEBHOOK_KEYS"
        keys = reader.secrets(
            name, "Webhook keys of the account; a mounted file is re-read on change."
        )
        return cls(keys=WebhookKeys(keys.reveal(), reader.path_of(name)))


@dataclass(frozen=True, kw_only=True)
class Sealing:
    """What a process needs to lock messages and to sign callbacks."""

    public_key: bytes
    mac_keys: KeyRing

    @classmethod
    def read(cls, reader: Reader) -> "Sealing":
        """Read the group."""
        return cls(
            public_key=reader.public_key(
                "SEALING_PUBLIC_KEY", "X25519 key that messages are sealed to."
            ),
            mac_keys=KeyRing(reader.keys("CALLBACK_MAC_KEYS", "Authenticate callbacks.").reveal()),
        )


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What only consumers may hold."""

    private_keys: Secret[tuple[bytes, ...]]

    @classmethod
    def read(cls, reader: Reader) -> "Opening":
        """Read the group."""
        return cls(
            private_keys=reader.keys(
                "SEALING_PRIVATE_KEYS", "X25519 keys that open sealed messages."
            )
        )


@dataclass(frozen=True, kw_only=True)
class AtRest:
    """Keys that wrap the subjects' data keys. Never given to the ingress."""

    keys: KeyRing

    @classmethod
    def read(cls, reader: Reader) -> "AtRest":
        """Read the group."""
        return cls(
            keys=KeyRing(reader.keys("ENCRYPTION_KEYS", "Wrap the subjects' data keys.").reveal())
        )
