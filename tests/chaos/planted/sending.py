"""Bugs of calls to the vendor: repeated, too many, or with a proof that they must not carry."""

from typing import Final

from tests.chaos.planted.patching import Bug, Edit

_QUERY: Final = "service/gateway/operations/network_query.py"

BUGS: Final = (
    Bug(
        "a lease that ran out treated as due again",
        "killed in call",
        "I3",
        (
            Edit(
                "service/gateway/dispatcher.py",
                "await self._apply(unit, call, Unknown())",
                "await self._apply(unit, call, NotSent())",
            ),
        ),
    ),
    Bug(
        "a call without an answer repeated",
        "lost answer",
        "I3",
        (
            Edit(
                _QUERY,
                "if may_retry(call, outcome, repeatable=False):",
                "if may_retry(call, outcome, repeatable=True):",
            ),
            Edit(
                _QUERY,
                "await retry_later(unit, call, outcome, repeatable=False)",
                "await retry_later(unit, call, outcome, repeatable=True)",
            ),
        ),
    ),
    Bug(
        "pacing slot given back when the call begins",
        "pace",
        "I8",
        (
            Edit(
                "service/gateway/claims.py",
                "                claim = Claim(marked, prepared, drawn, began)\n",
                "                for slot in drawn:\n"
                "                    await slots.release(unit, slot)\n"
                "                claim = Claim(marked, prepared, drawn, began)\n",
            ),
        ),
    ),
    Bug(
        "session looked up by patient only",
        "two sessions",
        "I2",
        (
            Edit(
                "service/store/sessions.py",
                'BY_ID = f"select {COLUMNS} from aal2_session where session_id = $1"\n',
                'BY_ID = f"select {COLUMNS} from aal2_session where session_id = $1"\n'
                'NEWEST = f"""\n'
                "select {COLUMNS} from aal2_session where patient_id = $1\n"
                "and state in ('confirmed', 'proven') order by returned_at desc limit 1\n"
                '"""\n'
                "\n\n"
                "async def newest(unit, patient_id):\n"
                "    return _session(await unit.conn.fetchrow(NEWEST, patient_id))\n"
                "\n\n",
            ),
            Edit(
                _QUERY,
                "    session = await sessions.by_id(unit, query.session_id)\n    proofed",
                "    session = await sessions.newest(unit, query.patient_id)\n    proofed",
            ),
            Edit(
                _QUERY,
                "    if session is None or proofed is None or session.identity_id != query.identity_id:\n"
                "        return None\n"
                "    if (session.subject_id, session.patient_id) != (query.subject_id, query.patient_id):\n"
                "        return None\n",
                "    if session is None or proofed is None:\n        return None\n",
            ),
        ),
    ),
    Bug(
        "confirmation not required",
        "unconfirmed",
        "I2",
        (
            Edit(
                "service/ias/aal2.py",
                "USABLE: Final = frozenset({SessionState.CONFIRMED, SessionState.PROVEN})",
                "USABLE: Final = frozenset(\n"
                "    {SessionState.RECEIVED, SessionState.CONFIRMED, SessionState.PROVEN}\n)",
            ),
            Edit(
                "service/store/sessions.py",
                "where identity_id = $1 and state in ('confirmed', 'proven')",
                "where identity_id = $1 and state in ('received', 'confirmed', 'proven')",
            ),
        ),
    ),
    Bug(
        "a session id logged",
        "retrieval",
        "I7",
        (
            Edit(
                _QUERY,
                "    return IasProof(proofed_identity_id=proofed, aal2_session_id=secret)\n",
                '    log.info("network_query.proof", header=secret.encode().hex())\n'
                "    return IasProof(proofed_identity_id=proofed, aal2_session_id=secret)\n",
            ),
            Edit(
                _QUERY,
                "_SLOT_PAUSE: Final = timedelta(seconds=2)\n",
                "_SLOT_PAUSE: Final = timedelta(seconds=2)\n"
                'log = __import__("structlog").get_logger()\n',
            ),
        ),
    ),
)
