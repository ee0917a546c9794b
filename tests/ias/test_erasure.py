"""Whether a subject may be erased, and by when the last copy is gone."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from schemas.events import Remainder
from schemas.ids import CommandId, SubjectId
from schemas.reasons import Reason
from service.ias.erasure import receipt, rule
from service.ias.telling import head

NOW = datetime(2026, 6, 1, 15, 0, tzinfo=UTC)
DEAD_LETTERS_ARE_KEPT = timedelta(days=90)
"""The longest of the topic map."""


@pytest.mark.parametrize(
    ("held", "asked", "stays"),
    [
        (False, None, False),
        (False, False, False),
        (False, True, True),
        (True, None, True),
        (True, True, True),
        (True, False, False),
    ],
)
def test_a_hold_stands_until_it_is_lifted_and_nothing_is_erased_under_it(
    *, held: bool, asked: bool | None, stays: bool
) -> None:
    ruling = rule(held=held, asked=asked)
    assert ruling.held is stays
    if stays:
        assert ruling.refused is not None
        assert (ruling.refused.reason, ruling.refused.field) == (Reason.LEGAL_HOLD, "legalHold")
    else:
        assert ruling.refused is None


@pytest.mark.parametrize(
    ("copies_live", "complete_after"),
    [
        (timedelta(0), DEAD_LETTERS_ARE_KEPT),
        (timedelta(days=89), DEAD_LETTERS_ARE_KEPT),
        (timedelta(days=91), timedelta(days=91)),
        (timedelta(days=400), timedelta(days=400)),
    ],
)
def test_an_erasure_is_complete_when_the_longest_lived_copy_is_gone(
    copies_live: timedelta, complete_after: timedelta
) -> None:
    told = receipt(head(SubjectId("user-7781")), NOW, copies_live)
    assert told.complete_by == NOW + complete_after


def test_a_receipt_answers_its_command_and_owns_up_to_everything_that_is_left() -> None:
    command = CommandId(UUID(int=7))
    told = receipt(head(SubjectId("user-7781"), command_id=command), NOW, timedelta(days=35))
    assert (told.subject_id, told.command_id) == ("user-7781", command)
    assert (told.patient_id, told.request_id) == (None, None)
    assert told.not_erased == list(Remainder)
