"""When each probe that was answered 200 had been consumed, by the word of the database."""

import hashlib
import time
from typing import Final

from tests.chaos.pulse import Beat
from tests.chaos.world import World

_ROWS: Final = (
    "select encode(message_digest, 'hex'), extract(epoch from received_at) from inbox"
    " where source = 'metriport'"
)


def consumed(world: World) -> list[Beat]:
    """From each probe's sending to its row in the inbox; those without a row are lost, and judged elsewhere."""
    deployment, ahead = world.deployment, time.time() - time.monotonic()
    rows = deployment.postgres.execute(_ROWS, database=deployment.database).splitlines()
    known = {digest: float(at) - ahead for digest, at in (row.split("|") for row in rows)}
    sent = {_digest(one.message_id): one.at for one in world.probe.promised()}
    return [Beat(at, known[digest]) for digest, at in sent.items() if digest in known]


def _digest(message_id: str) -> str:
    return hashlib.sha256(message_id.encode()).hexdigest()
