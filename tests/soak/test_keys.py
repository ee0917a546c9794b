"""The campaign of keys sees what breaks: good webhooks refused, withdrawn keys accepted, rows that were left."""

import itertools
import json
import random
from base64 import b64encode
from typing import Any

import asyncpg
import pytest

from consumers.reencrypt import rotate
from service.store.pool import Database
from tests.bench.consumers_seed import Started
from tests.bench.wire import PATH
from tests.secrets.rotating import BOTH, KEYS, NEW_KEY, NEW_PUBLIC_KEY, Opening
from tests.soak import keys, rows_keys
from tests.soak.answering import answering
from tests.soak.deliveries import Deliveries, Delivery, Sent, webhooks
from tests.soak.fleet import Exit
from tests.soak.kept import Found, InboxPart, Kept
from tests.soak.keys_left import left
from tests.soak.rotations import PROBES, Rotations, Vendor
from tests.stack.postgres import EmbeddedPostgres
from tests.support.settings import ENCRYPTION_KEY, SEALING_PUBLIC_KEY

SENT = Sent("one", b"")
ENDED = [Exit("ingress-1", 5.0, 0)]
WRONG = Found("one", 0, None)
NOBODY: Any = None


def answered(*statuses: int) -> Deliveries:
    """Webhooks that were answered so."""
    return Deliveries(1, "a-key", [Delivery(SENT, 0.0, 0.1, status) for status in statuses], [0.0])


def rotations(port: int = 1) -> Rotations:
    """Nothing was rotated yet."""
    return Rotations(NOBODY, Vendor(port, "old"), NOBODY, webhooks(random.Random(1), []))


def test_what_is_answered_200_and_kept_breaks_nothing() -> None:
    found = keys.figures(answered(200, 200), rotations(), Kept(), ENDED)
    assert (found["webhooks"], keys.broken(found)) == (2, 0)


@pytest.mark.parametrize("status", [0, 401, 503])
def test_a_good_webhook_that_was_not_answered_200_failed(status: int) -> None:
    found = keys.figures(answered(200, status), rotations(), Kept(), ENDED)
    assert (found["failed"], keys.broken(found)) == (1, 1)


@pytest.mark.parametrize(
    ("kept", "kind"), [(Kept(lost=[WRONG]), "lost"), (Kept(doubled=[WRONG]), "doubled")]
)
def test_lost_and_doubled_are_counted(kept: Kept, kind: str) -> None:
    found = keys.figures(answered(200), rotations(), kept, ENDED)
    assert (found[kind], keys.broken(found)) == (1, 1)


def test_rows_that_were_left_and_bad_exits_are_counted() -> None:
    done = rotations()
    done.left = 3
    found = keys.figures(answered(200), done, Kept(), [*ENDED, Exit("consumers-1", 70.0, -9)])
    assert (found["left_under_old_key"], found["bad_exits"], keys.broken(found)) == (3, 1, 4)


async def test_withdrawn_keys_that_are_accepted_are_counted_and_those_refused_too() -> None:
    async with answering([401] * (PROBES - 2), path=PATH) as port:
        done = rotations(port)
        await done.probe("withdrawn")
    assert (done.accepted_wrong, done.refused_rightly) == (2, PROBES - 2)
    assert keys.broken(keys.figures(answered(200), done, Kept(), ENDED)) == 2


def test_the_vendor_signs_with_both_keys_in_turn_while_both_are_good() -> None:
    vendor = Vendor(1, "old")
    assert [vendor.signing_key() for _ in range(2)] == ["old", "old"]
    vendor.sign_with("old", "new")
    assert [vendor.signing_key() for _ in range(4)] == ["old", "new", "old", "new"]
    vendor.sign_with("new")
    assert vendor.signing_key() == "new"


def test_some_webhooks_wait_sealed_some_are_told_and_each_has_an_id_of_its_own() -> None:
    query = Started("request", "patient", "subject")
    sent = list(itertools.islice(keys.mixed(random.Random(3), [query]), 2 * keys.PARKED))
    requests = [json.loads(one.body)["meta"].get("requestId") for one in sent]
    unknown = {request for request in requests if request not in {None, "request"}}
    assert (len(unknown), "request" in requests) == (2, True)
    assert len({one.message_id for one in sent}) == len(sent)


def _text(key: bytes) -> str:
    return b64encode(key).decode()


async def test_rows_under_other_keys_are_counted_until_they_are_moved(
    database: Database,
    owner: asyncpg.Connection,
    postgres: EmbeddedPostgres,
    migrated_database: str,
) -> None:
    await rows_keys.build(database, owner, rows=60, sealed=10)
    new = (_text(NEW_KEY), _text(NEW_PUBLIC_KEY))
    assert await left(owner, _text(ENCRYPTION_KEY), _text(SEALING_PUBLIC_KEY)) == {}
    assert await left(owner, *new) == {"subject": 50, "spool": 10}
    async with Opening(postgres, migrated_database).with_keys(BOTH) as live:
        await rotate(live, KEYS, lambda _: None, batch=100)
    assert await left(owner, *new) == {}


async def test_a_part_of_the_inbox_is_no_more_than_was_asked_for(owner: asyncpg.Connection) -> None:
    for message_id in ("one", "two"):
        insert = "insert into inbox (source, message_digest) values ('metriport', sha256($1))"
        await owner.execute(insert, message_id.encode())
    part = InboxPart(owner, [SENT, Sent("another", b"")])
    assert list((await part.rows()).values()) == [1]
