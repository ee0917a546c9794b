"""A complete environment for each role, with a canary in every secret."""

import base64

from service.settings.roles import Role

CANARY = "K4n4ry"
KEY = base64.b64encode(b"K4n4ry" + b"k" * 26).decode()
OLDER = base64.b64encode(b"o" * 32).decode()

_WEB = {
    "PUBLIC_URL": "https://ias.example.com/",
    "RETURN_URL_ALLOWLIST": "https://app.example.com/return, https://app.example.com/back",
    "LINK_KEYS": KEY,
}
_KAFKA = {"KAFKA_BOOTSTRAP_SERVERS": "kafka-0:9092,kafka-1:9092"}
_DATABASE = {"DATABASE_URL": f"postgresql://service:{CANARY}@db/ias"}
_WEBHOOKS = {"METRIPORT_WEBHOOK_KEYS": f"{CANARY}-new,{CANARY}-old"}
_SEALING = {"SEALING_PUBLIC_KEY": OLDER, "CALLBACK_MAC_KEYS": KEY}

REQUIRED: dict[Role, dict[str, str]] = {
    Role.INGRESS: {**_DATABASE, **_KAFKA, **_WEB, **_WEBHOOKS, **_SEALING},
    Role.CONSUMERS: {
        **_DATABASE,
        **_KAFKA,
        **_WEB,
        **_WEBHOOKS,
        **_SEALING,
        "SEALING_PRIVATE_KEYS": f"{KEY}\n{OLDER}",
        "ENCRYPTION_KEYS": f"{KEY},{OLDER}",
        "AUDIT_SIGNING_KEY": KEY,
    },
    Role.GATEWAY: {
        **_DATABASE,
        **_WEB,
        "ENCRYPTION_KEYS": KEY,
        "METRIPORT_API_URL": "https://api.sandbox.metriport.com",
        "METRIPORT_API_KEY": f"{CANARY}-api",
        "METRIPORT_FACILITY_ID": "0199a001-2b7c-7d10-8e55-0c1d2e3f4a5b",
    },
    Role.MIGRATE: {"MIGRATION_DATABASE_URL": f"postgresql://owner:{CANARY}@db/ias"},
    Role.TOPICS: {**_KAFKA},
    Role.REENCRYPT: {
        **_DATABASE,
        "ENCRYPTION_KEYS": f"{KEY},{OLDER}",
        "SEALING_PRIVATE_KEYS": f"{KEY},{OLDER}",
        "SEALING_PUBLIC_KEY": OLDER,
    },
    Role.WEBHOOK: {
        "METRIPORT_API_URL": "https://api.sandbox.metriport.com",
        "METRIPORT_API_KEY": f"{CANARY}-api",
        "METRIPORT_FACILITY_ID": "0199a001-2b7c-7d10-8e55-0c1d2e3f4a5b",
    },
    Role.TOOLS: {
        **_DATABASE,
        **_KAFKA,
        **_WEBHOOKS,
        **_SEALING,
        "SEALING_PRIVATE_KEYS": f"{KEY}\n{OLDER}",
        "ENCRYPTION_KEYS": f"{KEY},{OLDER}",
    },
    Role.DISPATCH: {**_DATABASE, "ENCRYPTION_KEYS": KEY},
    Role.AUDIT: {**_DATABASE, "AUDIT_PUBLIC_KEYS": f"{OLDER},{OLDER}"},
}
"""What each role cannot start without."""
