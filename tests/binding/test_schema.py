"""Every mixture of two people is refused by name: which constraint stands behind which promise."""

from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from .rows import (
    CHECK,
    FOREIGN_KEY,
    NO_RIGHT,
    UNIQUE,
    Chain,
    digest,
    insert,
    link,
    refusal,
    refused,
)

OF_CHALLENGE = "aal2_session_challenge_id_identity_id_subject_id_patient_i_fkey"
OF_IDENTITY = "aal2_challenge_identity_id_subject_id_patient_id_fkey"
OF_VERIFICATION = "identity_verification_id_subject_id_patient_id_fkey"
OF_LINK = "identity_verification_subject_id_patient_id_purpose_fkey"
QUERY_OF_LINK = "network_query_subject_id_patient_id_purpose_fkey"
QUERY_OF_SESSION = "network_query_session_id_identity_id_subject_id_patient_id_fkey"
PURPOSE_HAS_SESSION = "network_query_check"
SESSION_HAS_IDENTITY = "network_query_check1"
QUERY_OF_COMMAND = "network_query_subject_id_command_id_fkey"


async def test_the_rows_of_each_person_alone_are_taken(
    service: asyncpg.Connection, jane: Chain, victor: Chain
) -> None:
    """Or every refusal below would prove nothing."""
    for who in (jane, victor):
        await insert(service, "network_query", **who.query)
        await insert(service, "aal2_session", **who.session)
        await insert(service, "consolidated_query", **_consolidated(who))
    assert await service.fetchval("select count(*) from network_query") == 2
    assert await service.fetchval("select current_user") == "ias_service"


@pytest.mark.parametrize(
    "of_the_other",
    [
        ("identity_id",),
        ("challenge_id",),
        ("subject_id",),
        ("challenge_id", "identity_id"),
        ("identity_id", "subject_id"),
    ],
)
async def test_a_session_for_another_identity_is_refused(
    service: asyncpg.Connection, jane: Chain, victor: Chain, of_the_other: tuple[str, ...]
) -> None:
    """I2: both are linked to the one patient, and still no part of a session can be the other's."""
    row = jane.session | {name: getattr(victor, name) for name in of_the_other}
    assert await refused(service, "aal2_session", **row) == (FOREIGN_KEY, OF_CHALLENGE)


async def test_a_session_for_an_older_identity_of_the_same_person_is_refused(
    service: asyncpg.Connection, jane: Chain
) -> None:
    """I2: a session proves one identity, not whoever is behind it."""
    older = {"identity_id": uuid4(), "verification_id": jane.verification_id}
    await insert(service, "identity", **jane.pair, **older, state="superseded")
    row = jane.session | {"identity_id": older["identity_id"]}
    assert await refused(service, "aal2_session", **row) == (FOREIGN_KEY, OF_CHALLENGE)


async def test_a_challenge_for_another_persons_identity_is_refused(
    service: asyncpg.Connection, jane: Chain, victor: Chain
) -> None:
    """I2."""
    row = jane.pair | {"challenge_id": uuid4(), "identity_id": victor.identity_id}
    row["command_id"] = jane.command_id
    assert await refused(service, "aal2_challenge", **row) == (FOREIGN_KEY, OF_IDENTITY)


@pytest.mark.parametrize(
    ("subject_id", "patient_id"), [("victor", "shared"), ("jane", "other"), ("victor", "other")]
)
async def test_an_identity_for_another_subject_or_patient_is_refused(
    service: asyncpg.Connection, jane: Chain, victor: Chain, subject_id: str, patient_id: str
) -> None:
    """I2: also if each of the pairs is linked."""
    for who in (jane, victor):
        await link(service, who.subject_id, "other")
    row = {"subject_id": subject_id, "patient_id": patient_id, "identity_id": uuid4()}
    row |= {"verification_id": jane.verification_id, "state": "superseded"}
    assert await refused(service, "identity", **row) == (FOREIGN_KEY, OF_VERIFICATION)


@pytest.mark.parametrize(
    "of_the_other",
    [
        ("session_id",),
        ("identity_id",),
        ("subject_id", "command_id"),
        ("session_id", "identity_id"),
        ("session_id", "subject_id", "command_id"),
    ],
)
async def test_a_query_that_mixes_two_people_is_refused(
    service: asyncpg.Connection, jane: Chain, victor: Chain, of_the_other: tuple[str, ...]
) -> None:
    """I2: session of one, identity of another, or a subject that neither belongs to."""
    row = jane.query | {name: getattr(victor, name) for name in of_the_other}
    assert await refused(service, "network_query", **row) == (FOREIGN_KEY, QUERY_OF_SESSION)


async def test_a_query_for_another_persons_command_is_refused(
    service: asyncpg.Connection, jane: Chain, victor: Chain
) -> None:
    row = jane.query | {"command_id": victor.command_id}
    assert await refused(service, "network_query", **row) == (FOREIGN_KEY, QUERY_OF_COMMAND)


async def test_a_query_for_another_patient_of_the_same_subject_is_refused(
    service: asyncpg.Connection, jane: Chain
) -> None:
    """I2: identity and session are for a patient, not for a person's whole list."""
    await link(service, "jane", "other")
    row = jane.query | {"patient_id": "other"}
    assert await refused(service, "network_query", **row) == (FOREIGN_KEY, QUERY_OF_SESSION)


async def test_a_query_for_a_patient_without_a_link_is_refused(
    service: asyncpg.Connection, jane: Chain
) -> None:
    row = jane.query | {"patient_id": "unheard-of", "identity_id": None, "session_id": None}
    row["purpose"] = "treatment"
    assert await refused(service, "network_query", **row) == (FOREIGN_KEY, QUERY_OF_LINK)


BARE = {"identity_id": None, "session_id": None}


@pytest.mark.parametrize(
    ("patient_id", "purpose", "proof", "expected"),
    [
        ("clinic", "ias", {}, (FOREIGN_KEY, QUERY_OF_LINK)),
        ("shared", "treatment", BARE, (FOREIGN_KEY, QUERY_OF_LINK)),
        ("shared", "treatment", {}, (CHECK, PURPOSE_HAS_SESSION)),
        ("clinic", "treatment", {}, (CHECK, PURPOSE_HAS_SESSION)),
        ("shared", "ias", BARE, (CHECK, PURPOSE_HAS_SESSION)),
        ("clinic", "ias", BARE, (CHECK, PURPOSE_HAS_SESSION)),
        ("shared", "ias", {"session_id": None}, (CHECK, PURPOSE_HAS_SESSION)),
        ("shared", "ias", {"identity_id": None}, (CHECK, SESSION_HAS_IDENTITY)),
    ],
)
async def test_a_query_of_another_purpose_than_its_links_or_its_proofs_is_refused(
    service: asyncpg.Connection,
    jane: Chain,
    patient_id: str,
    purpose: str,
    proof: dict[str, Any],
    expected: tuple[str, str],
) -> None:
    """I9: an ias query on a treatment link, treatment on an ias link, and either with half a proof."""
    await link(service, "jane", "clinic", "treatment")
    row = jane.query | {"patient_id": patient_id, "purpose": purpose} | proof
    assert await refused(service, "network_query", **row) == expected


@pytest.mark.parametrize("table", ["identity_verification", "consolidated_query"])
async def test_nothing_of_ias_begins_on_a_treatment_link(
    service: asyncpg.Connection, jane: Chain, table: str
) -> None:
    """I9: neither with the purpose of the table nor with that of the link."""
    await link(service, "jane", "clinic", "treatment")
    row = {**_consolidated(jane), "patient_id": "clinic"}
    name = OF_LINK if table == "identity_verification" else f"{table}{OF_LINK[21:]}"
    if table == "identity_verification":
        row = {"verification_id": uuid4(), "command_id": jane.command_id} | {
            "subject_id": "jane",
            "patient_id": "clinic",
        }
    assert await refused(service, table, **row) == (FOREIGN_KEY, name)
    row["purpose"] = "treatment"
    assert await refused(service, table, **row) == (CHECK, f"{table}_purpose_check")


async def test_two_queries_with_an_open_hie_slot_for_one_patient_are_refused(
    service: asyncpg.Connection, jane: Chain, victor: Chain
) -> None:
    """The vendor skips HIE of the second, whoever asks: it counts patients, not subjects."""
    await insert(service, "network_query", **jane.query, hie_slot=True)
    answer = await refused(service, "network_query", **victor.query, hie_slot=True)
    assert answer == (UNIQUE, "network_query_one_hie")
    await insert(service, "network_query", **victor.query)
    take = "update network_query set hie_slot = true where subject_id = 'victor'"
    assert await refusal(service, take) == (UNIQUE, "network_query_one_hie")


async def test_one_vendor_request_id_for_two_queries_is_refused(
    service: asyncpg.Connection, jane: Chain, victor: Chain
) -> None:
    """I1, I9: a webhook's request id leads to one subject."""
    await insert(service, "network_query", **jane.query, vendor_request_id="r-1")
    answer = await refused(service, "network_query", **victor.query, vendor_request_id="r-1")
    assert answer == (UNIQUE, "network_query_vendor_request_id_key")


async def test_one_proofed_identity_for_two_subjects_is_refused(
    service: asyncpg.Connection, jane: Chain, victor: Chain
) -> None:
    """I2: in any state, or a stopped identity could be bound again to somebody else."""
    stop = "update identity set proofed_digest = $1, state = 'stopped' where identity_id = $2"
    await service.execute(stop, digest("pid"), jane.identity_id)
    row = victor.pair | {"identity_id": uuid4(), "verification_id": victor.verification_id}
    row |= {"proofed_digest": digest("pid"), "state": "superseded"}
    assert await refused(service, "identity", **row) == (UNIQUE, "identity_proofed_digest_key")


@pytest.mark.parametrize("column", ["session_digest", "code_hash"])
async def test_one_session_or_code_for_two_subjects_is_refused(
    service: asyncpg.Connection, jane: Chain, victor: Chain, column: str
) -> None:
    """I2."""
    await insert(service, "aal2_session", **jane.session, **{column: digest("x")})
    answer = await refused(service, "aal2_session", **victor.session, **{column: digest("x")})
    assert answer == (UNIQUE, f"aal2_session_{column}_key")


async def test_two_active_identities_of_one_pair_are_refused(
    service: asyncpg.Connection, jane: Chain
) -> None:
    row = jane.pair | {"identity_id": uuid4(), "verification_id": jane.verification_id}
    assert await refused(service, "identity", **row) == (UNIQUE, "identity_one_active")


MOVES = [
    ("aal2_session", "identity_id", OF_CHALLENGE),
    ("aal2_session", "subject_id", OF_CHALLENGE),
    ("aal2_challenge", "identity_id", OF_IDENTITY),
    ("identity", "verification_id", OF_VERIFICATION),
    ("network_query", "session_id", QUERY_OF_SESSION),
    ("network_query", "subject_id", QUERY_OF_SESSION),
]


@pytest.mark.parametrize(("table", "column", "constraint"), MOVES)
async def test_no_row_can_be_moved_to_another_person_later(
    service: asyncpg.Connection,
    jane: Chain,
    victor: Chain,
    table: str,
    column: str,
    constraint: str,
) -> None:
    """I2: the keys hold for updates too, on rows that nothing was built on yet."""
    row = {
        "aal2_session": jane.session,
        "network_query": jane.query,
        "identity": jane.pair | {"identity_id": uuid4(), "verification_id": jane.verification_id},
        "aal2_challenge": jane.pair
        | {
            "challenge_id": uuid4(),
            "identity_id": jane.identity_id,
            "command_id": jane.command_id,
        },
    }[table]
    await insert(service, table, **row | ({"state": "superseded"} if table == "identity" else {}))
    own = "query_id" if table == "network_query" else f"{table.removeprefix('aal2_')}_id"
    update = f"update {table} set {column} = $2 where {own} = $1"  # noqa: S608 - names from above
    answer = await refusal(service, update, row[own], getattr(victor, column))
    assert answer == (FOREIGN_KEY, constraint)


@pytest.mark.parametrize(
    "sql",
    [
        "delete from patient_link",
        "delete from subject",
        "update patient_link set purpose = 'treatment'",
        "update patient_link set subject_id = 'victor' where subject_id = 'jane'",
        "update patient_link set patient_id = 'other'",
        "truncate patient_link cascade",
        "alter table network_query drop constraint network_query_check",
        "drop index network_query_one_hie",
    ],
)
async def test_the_service_may_not_touch_a_link_or_the_rules(
    service: asyncpg.Connection, jane: Chain, sql: str
) -> None:
    """I9: who was ever linked decides how an identity without our id binds."""
    assert await refusal(service, sql) == (NO_RIGHT, None)
    assert await service.fetchval("select purpose from patient_link") == "ias"
    assert jane.subject_id == "jane"


@pytest.mark.parametrize("sql", ["delete from identity", "delete from aal2_session"])
async def test_what_something_was_built_on_cannot_be_removed(
    service: asyncpg.Connection, jane: Chain, sql: str
) -> None:
    await insert(service, "network_query", **jane.query)
    state, _ = await refusal(service, sql)
    assert state == FOREIGN_KEY


def _consolidated(who: Chain) -> dict[str, Any]:
    return who.pair | {"request_id": uuid4(), "command_id": who.command_id}
