"""A confirmation may be handled before the return that it confirms: they come on different topics (I1, I2, I4)."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from consumers.processor import Processor
from consumers.sweeper import Sweeper
from schemas.callbacks import Aal2Returned
from schemas.commands import ConfirmReturn
from schemas.ids import CommandId, OpenId, SubjectId
from service.bus.received import Received
from service.crypto.tokens import code_hash
from service.store.pool import Database
from service.store.sessions import Challenge
from tests.support import people, records
from tests.support.outbox import kinds, only, told
from tests.support.people import Person

from .conftest import age

CODE = "code-of-this-return-0001"


@pytest.fixture
async def jane(database: Database) -> Person:
    return await people.person(database, "jane", "patient-1")


@pytest.fixture
async def pending(database: Database, jane: Person) -> Challenge:
    return await asked(database, jane)


async def asked(database: Database, who: Person) -> Challenge:
    async with database.transaction() as unit:
        return await people.challenge(unit, who.subject_id, who.patient_id, who.identity_id)


def confirmation(subject_id: str, code: str = CODE) -> tuple[CommandId, Received]:
    command_id = CommandId(uuid4())
    command = ConfirmReturn(command_id=command_id, subject_id=SubjectId(subject_id), code=code)
    return command_id, records.command(command)


def return_of(challenge: Challenge, code: str = CODE) -> Received:
    return records.callback(
        Aal2Returned(
            challenge_id=challenge.challenge_id,
            open_id=OpenId(uuid4()),
            subject_id=challenge.subject_id,
            aal2_session_id=f"aal2_{uuid4().hex}",
            code_hash=code_hash(code),
            returned_at=datetime.now(UTC),
        )
    )


async def test_it_waits_for_the_return_and_is_answered_with_it(
    database: Database, process: Processor, pending: Challenge
) -> None:
    """I1: the same two events, in the same order, as if the return had been first."""
    command_id, early = confirmation("jane")
    await process(early)
    assert await kinds(database) == []
    await process(return_of(pending))
    assert await kinds(database) == ["Aal2SessionReceived", "ReturnConfirmed"]
    assert (await only(database, "ReturnConfirmed"))["commandId"] == str(command_id)
    assert await people.count(database, "aal2_session", state="confirmed") == 2
    assert await people.count(database, "early_confirmation") == 0


async def test_beside_its_return_it_confirms_whichever_is_first(
    database: Database, make_process: Callable[[], Processor]
) -> None:
    for number in range(20):
        who = await people.person(database, f"subject-{number}", f"patient-{number}")
        code = f"{number:043d}"
        back = return_of(await asked(database, who), code)
        _, confirm = confirmation(who.subject_id, code)
        async with asyncio.timeout(20):
            await asyncio.gather(make_process()(confirm), make_process()(back))
        mine = [one.kind for one in await told(database) if one.key == who.subject_id]
        assert mine == ["Aal2SessionReceived", "ReturnConfirmed"], number


async def test_a_code_that_nobody_comes_back_with_is_refused_after_a_minute(
    database: Database, process: Processor, sweeper: Sweeper, pending: Challenge
) -> None:
    """I4: and a return that comes later still is not confirmed by it."""
    command_id, early = confirmation("jane")
    await process(early)
    await age(database, "early_confirmation", "received_at", 55, "command_id", command_id)
    assert await sweeper.round() == 0
    await age(database, "early_confirmation", "received_at", 61, "command_id", command_id)
    assert [await sweeper.round() for _ in range(2)] == [1, 0]
    refused = await only(database, "CommandRejected")
    assert (refused["commandId"], refused["reason"]) == (str(command_id), "code_invalid")
    command = await people.row(database, "command", command_id=command_id)
    assert command["final_type"] == "ias.event.CommandRejected"
    await process(return_of(pending))
    assert await kinds(database) == ["CommandRejected", "Aal2SessionReceived"]
    assert await people.count(database, "aal2_session", state="received") == 1


async def test_without_an_open_challenge_an_unknown_code_is_refused_at_once(
    database: Database, process: Processor, jane: Person
) -> None:
    await process(confirmation(jane.subject_id)[1])
    assert await kinds(database) == ["CommandRejected"]


async def test_two_commands_with_one_code_do_not_both_wait(
    database: Database, process: Processor, pending: Challenge
) -> None:
    first, second = confirmation("jane"), confirmation("jane")
    await process(first[1])
    await process(second[1])
    assert (await only(database, "CommandRejected"))["commandId"] == str(second[0])
    await process(return_of(pending))
    assert (await only(database, "ReturnConfirmed"))["commandId"] == str(first[0])


async def test_what_waits_for_another_subject_confirms_nothing(
    database: Database, process: Processor, pending: Challenge
) -> None:
    """I2: a code that was stolen on its way opens nothing, however early it is presented."""
    thief = await people.person(database, "thief", "patient-1")
    await asked(database, thief)
    await process(confirmation("thief")[1])
    await process(return_of(pending))
    assert await kinds(database) == ["Aal2SessionReceived"]
    assert await people.count(database, "aal2_session", state="received") == 1
    await process(confirmation("jane")[1])
    assert await kinds(database) == ["Aal2SessionReceived", "ReturnConfirmed"]
