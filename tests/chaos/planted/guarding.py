"""Bugs of the guards: whose data it is, who says so, and whether they still may have it."""

from typing import Final

from tests.chaos.planted.patching import Bug, Edit

BUGS: Final = (
    Bug(
        "entitlement not checked",
        "not entitled",
        "I9",
        (
            Edit(
                "service/ias/entitlement.py",
                "    if not has_active_identity:\n",
                "    if not has_active_identity or not has_accepted_query:\n"
                "        return None\n"
                "    if not has_active_identity:\n",
            ),
        ),
    ),
    Bug(
        "webhook acted on for another patient",
        "another patient",
        "I1",
        (
            Edit(
                "consumers/webhooks/network_query.py",
                "    if content.payload.patient_id != query.patient_id:\n",
                "    if query.patient_id is None:\n",
            ),
        ),
    ),
    Bug(
        "an identity without ids bound to the first of two subjects",
        "guessed",
        "I1",
        (
            Edit(
                "consumers/webhooks/identity_verified.py",
                "    if len(ever_linked) == 1:\n"
                "        newest = await identities.newest_verification("
                "unit, claim.patient_id, *ever_linked)\n",
                "    if ever_linked:\n"
                "        newest = await identities.newest_verification("
                "unit, claim.patient_id, min(ever_linked))\n",
            ),
            Edit(
                "service/ias/identity.py",
                "        if len(ever_linked) != 1 or newest is None",
                "        if newest is None",
            ),
        ),
    ),
    Bug(
        "signature not checked",
        "forged",
        "I6",
        (
            Edit(
                "service/webhook_signature.py",
                "    found: int | None = None\n",
                "    found: int | None = 0\n",
            ),
        ),
    ),
    Bug(
        "a revoked identity still used",
        "revoked",
        "I9",
        (
            Edit(
                "consumers/commands/revoke_identity.py",
                "    await _end_sessions(unit, command)\n",
                "",
            ),
            Edit(
                "consumers/commands/revoke_identity.py",
                "    await _end_identities(unit, command)\n",
                "",
            ),
        ),
    ),
)
