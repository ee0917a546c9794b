"""How the audit chain is sealed, and what checking and exporting it needs."""

from dataclasses import dataclass
from datetime import timedelta

from service.crypto.keys import KeyRing
from service.settings.reader import Reader
from service.settings.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Audit:
    """How the audit chain is sealed. Only consumers hold the signing key."""

    signing_key: Secret[bytes]
    head_every: timedelta

    @classmethod
    def read(cls, reader: Reader) -> "Audit":
        """Read the group."""
        return cls(
            signing_key=reader.key(
                "AUDIT_SIGNING_KEY", "Ed25519 key that signs heads and checkpoints of the audit."
            ),
            head_every=timedelta(
                seconds=reader.integer(
                    "AUDIT_HEAD_SECONDS",
                    "Seconds between two published heads of the audit, while it grows: what is cut "
                    "off its end is found if it is older than this.",
                    60,
                    1,
                    3600,
                )
            ),
        )


@dataclass(frozen=True, kw_only=True)
class Auditing:
    """What checking and exporting the audit needs; ``keys`` only to find one subject's entries."""

    public_keys: tuple[bytes, ...]
    retention_months: int
    keys: KeyRing | None

    @classmethod
    def read(cls, reader: Reader) -> "Auditing":
        """Read the group."""
        keys = reader.optional_keys("ENCRYPTION_KEYS", "Wrap the subjects' data keys.")
        return cls(
            public_keys=reader.public_keys(
                "AUDIT_PUBLIC_KEYS", "Ed25519 keys, in use and of before, that heads are signed by."
            ),
            retention_months=reader.integer(
                "AUDIT_RETENTION_MONTHS",
                "Months that the audit is kept; HIPAA asks for six years (45 CFR 164.316), and a "
                "month that has begun counts in full.",
                73,
                1,
                1200,
            ),
            keys=None if keys is None else KeyRing(keys.reveal()),
        )
