"""How to reach the brokers, the same for producers, consumers and admin clients."""

from typing import Any

from aiokafka.helpers import create_ssl_context

from schemas.topics import Topic
from service.settings.groups import Kafka


def connection_arguments(settings: Kafka) -> dict[str, Any]:
    """Arguments that every client of ``aiokafka`` takes."""
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "security_protocol": settings.security_protocol,
        "client_id": "metriport-ias",
    }
    if settings.security_protocol.endswith("SSL"):
        arguments["ssl_context"] = create_ssl_context(cafile=settings.ssl_cafile)
    if settings.security_protocol.startswith("SASL"):
        password = settings.sasl_password
        arguments |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": None if password is None else password.reveal(),
        }
    return arguments


def full_name(settings: Kafka, topic: Topic) -> str:
    """The topic's name on the cluster."""
    return f"{settings.topic_prefix}{topic.value}"
