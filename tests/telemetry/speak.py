"""A process that logs whatever a careless line or a library might; run by the tests, one a case.

Every text that must not appear on the outside holds ``K4n4ry``.
"""

import asyncio
import logging
import sys
from collections.abc import Callable

import structlog

from service.telemetry import logs
from tests.telemetry.log_calls import context, listed

CANARY = "K4n4ry"
SECRETS = {
    "token": CANARY,
    "x-api-key": CANARY,
    "METRIPORT_API_KEY": CANARY,
    "proofedIdentityId": CANARY,
    "proofed_identity_id": CANARY,
    "aal2SessionId": CANARY,
    "x-aal2-session": "aal2_K4n4ry",
    "session_url": CANARY,
    "sasl_password": CANARY,
    "Cookie": CANARY,
    "x-metriport-signature": CANARY,
    "firstName": CANARY,
    "dob": CANARY,
    "code": CANARY,
    "body": CANARY,
    "payload": CANARY,
}
TEXTS = {
    "session": "carried aal2_K4n4ry0199",
    "identity": "pid_K4n4ry0199 is bound",
    "link": "https://s3/x?X-Amz-Signature=K4n4ry&X-Amz-Expires=180",
    "page": "GET /go/K4n4ry",
    "back": "/callbacks/aal2?aal2SessionId=K4n4ry&status=verified",
    "dsn": "postgresql://service:K4n4ry@db/ias",
}

log = structlog.get_logger("speak")


def fail() -> None:
    """Raise with a canary in the text and in a local variable."""
    local = CANARY
    raise ValueError(f"Key (subject_id)=({local}) already exists")


def fail_in_a_chain() -> None:
    """Raise with a canary in the cause as well."""
    try:
        fail()
    except ValueError as error:
        raise RuntimeError(CANARY) from error


def fail_in_generated_code() -> None:
    """Raise below a frame that has no file, as dataclasses and imports have."""
    exec("raise KeyError('K4n4ry')")  # noqa: S102 - that is the case


def own_exceptions() -> None:
    """Our own error lines."""
    for failing in (fail, fail_in_a_chain, fail_in_generated_code):
        try:
            failing()
        except Exception as error:
            log.exception("speak.failed", count=3)
            log.error("speak.failed", exc_info=error)  # noqa: TRY400 - another spelling
            log.warning("speak.failed", problem=error, problems=[error])


def own_fields() -> None:
    """Secrets under tell-tale names, and tell-tale texts under any name."""
    log.info("speak.fields", **SECRETS)
    log.info("speak.texts", **TEXTS)
    log.info("speak.nested", data={"headers": SECRETS, "list": [TEXTS, (SECRETS,)]})
    log.info("speak.bytes", raw=b"aal2_K4n4ry", keys={"aal2_K4n4ry": 1}, many={"pid_K4n4ry"})
    log.info("speak.event went to /go/K4n4ry")
    structlog.contextvars.bind_contextvars(api_key=CANARY, message_id="7f6de1ce")
    log.info("speak.context")


def own_values() -> None:
    """What JSON has no word for."""
    log.info("speak.values", nan=float("nan"), deep={"far": float("inf")}, there={1, 2}, obj=log)
    log.info("speak.text\nin two lines", text="a\nb\u2028\ud800", number=10**400, yes=True, no=None)


def library() -> None:
    """A library's lines: arguments, ready-made texts, and things that are no text."""
    server = logging.getLogger("aiohttp.server")
    server.error("Error handling request from %s", "/callbacks/aal2?aal2SessionId=K4n4ry")
    server.error("%(what)s", {"what": CANARY})
    server.error(f"Error handling {CANARY}")
    server.error({"what": CANARY})
    server.error(ValueError(CANARY))
    server.error("No number: %d", CANARY)
    server.error("extra", extra={"header": CANARY})
    logging.getLogger("aiohttp.access").info("GET /go/%s", CANARY)
    try:
        fail()
    except ValueError:
        server.exception("Unhandled exception in %s", CANARY)


def task() -> None:
    """A task that dies unseen: asyncio puts the error's repr into a ready-made text."""

    async def run() -> None:
        async def die() -> None:
            fail()

        dying = asyncio.create_task(die())
        await asyncio.sleep(0)
        del dying

    asyncio.run(run())


def contract() -> None:
    """Every listed event with a secret in each of its fields, and in what is bound beside them."""
    for name, event in listed().items():
        for text in TEXTS.values():
            structlog.contextvars.bind_contextvars(**dict.fromkeys(context(), text))
            getattr(log, event.level)(name, **dict.fromkeys(event.fields, text))
            error = ValueError(text)
            log.warning(name, **dict.fromkeys(event.fields, error), exc_info=error)


def levels() -> None:
    """One line of each level."""
    for level in ("debug", "info", "warning", "error"):
        getattr(log, level)(f"speak.{level}")
        logging.getLogger("library").log(logging.getLevelName(level.upper()), "%s", level)


CASES: dict[str, Callable[[], None]] = {
    case.__name__: case
    for case in (own_exceptions, own_fields, own_values, contract, library, task, levels)
}

if __name__ == "__main__":
    logs.configure(sys.argv[2], sys.argv[3])
    CASES[sys.argv[1]]()
