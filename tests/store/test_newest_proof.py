"""Of several proofs of one person the newest counts, whatever the order in which webhooks bring them."""

from datetime import timedelta
from itertools import permutations

import pytest

from schemas.ids import PatientId, SubjectId
from service.ias.identity import VerificationState
from service.store import identities
from service.store.pool import Database
from tests.support.people import verifying

pytestmark = pytest.mark.edge


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
async def test_the_active_identity_is_the_last_proved_and_not_the_last_to_arrive(
    database: Database, order: tuple[int, ...]
) -> None:
    """I1: the state is a function of the set of webhooks, not of their order."""
    subject, patient = SubjectId(f"ann-{order}"), PatientId(f"patient-{order}")
    async with database.transaction() as unit:
        verifications = [await verifying(unit, subject, patient) for _ in range(3)]
        proved_at = [unit.now - timedelta(minutes=age) for age in (30, 20, 10)]
    bound = {}
    for number in order:
        async with database.transaction() as unit:
            bound[number] = await identities.bind(
                unit, verifications[number], f"proofed-{order}-{number}", proved_at[number]
            )
            verified = VerificationState.VERIFIED
            await identities.set_state(unit, verifications[number].verification_id, verified)
    async with database.transaction() as unit:
        assert await identities.active(unit, subject, patient) == bound[2]
        newest = await identities.verification(unit, verifications[2].verification_id)
    assert newest is not None
    assert newest.state is VerificationState.VERIFIED
