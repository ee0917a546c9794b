"""Throw-away keys, and the settings that tests run with."""

import hashlib
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from service.crypto.keys import KeyRing
from service.settings.groups import Kafka, Web
from service.settings.metriport import Metriport
from service.settings.rules import Rules
from service.settings.secret import Secret

WEBHOOK_KEY = "V1StGXR8_Z5jdHi6B-myT"
MAC_KEY = hashlib.sha256(b"tests: callbacks").digest()
ENCRYPTION_KEY = hashlib.sha256(b"tests: data at rest").digest()
LINK_KEY = hashlib.sha256(b"tests: links").digest()
SEALING_PRIVATE_KEY = hashlib.sha256(b"tests: sealing").digest()
SEALING_PUBLIC_KEY = (
    X25519PrivateKey.from_private_bytes(SEALING_PRIVATE_KEY).public_key().public_bytes_raw()
)
PUBLIC_URL = "https://ias.example.com"
RETURN_URL = "https://app.example.com/return"


def rules(**changes: Any) -> Rules:
    """The rules at their defaults, except for what is named."""
    values: dict[str, Any] = {
        "treatment_enabled": False,
        "session_max_age": timedelta(minutes=15),
        "session_max_idle": timedelta(minutes=15),
        "session_reuse": True,
        "verification_lifetime": timedelta(days=1),
        "challenge_lifetime": timedelta(hours=1),
        "code_lifetime": timedelta(minutes=10),
        "query_deadline": timedelta(days=3),
        "consolidated_lifetime": timedelta(hours=6),
        "registration_lifetime": timedelta(days=1),
        "page_lifetime": timedelta(minutes=5),
        "parked_lifetime": timedelta(days=1),
        "openings_per_hour": 10,
    }
    return Rules(**(values | changes))


def web() -> Web:
    """Where browsers would reach us."""
    return Web(
        public_url=PUBLIC_URL,
        return_urls=frozenset({RETURN_URL}),
        link_keys=KeyRing((LINK_KEY,)),
    )


def kafka(bootstrap_servers: str, prefix: str, session_timeout_ms: int) -> Kafka:
    """A cluster without passwords, with topics of the test's own."""
    return Kafka(
        bootstrap_servers=bootstrap_servers,
        security_protocol="PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username=None,
        sasl_password=None,
        ssl_cafile=None,
        topic_prefix=prefix,
        session_timeout_ms=session_timeout_ms,
        fetch_max_wait_ms=20,
    )


def metriport(api_url: str, api_key: str, facility_id: str, timeout_seconds: float) -> Metriport:
    """How to call the double."""
    return Metriport(
        api_url=api_url.rstrip("/"),
        api_key=Secret(api_key),
        facility_id=facility_id,
        timeout=timedelta(seconds=timeout_seconds),
    )
