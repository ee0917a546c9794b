"""Runs that break an invariant, made by hand out of the good one."""

from collections.abc import Callable
from dataclasses import replace

from tests.chaos.checker import Evidence, Waiting
from tests.chaos.synthetic import (
    BEGAN,
    IDENTITY,
    LINK,
    PATIENT,
    QUERY,
    SESSION,
    SUBJECT,
    call,
    event,
    good,
    query_call,
    record,
    webhook,
    with_calls,
    with_records,
    with_vendor,
    with_webhook,
    without,
)

GOOD = good()
WHO = {"patientId": PATIENT}
OF_QUERY = {**WHO, "commandId": "c5", "requestId": QUERY}


def session_of(evidence: Evidence, name: str, identity: str, patient: str) -> Evidence:
    """A further session at the vendor."""
    made = {"id": name, "identity_id": identity, "patient_id": patient}
    return with_vendor(evidence, "aal2_sessions", name, **made)


def waiting(deadline: float) -> Evidence:
    """The query has no end, and the database says that it waits."""
    waits = Waiting(
        subject_id=SUBJECT, command_id="c5", what="network query", deadline=BEGAN + deadline
    )
    return replace(
        without(GOOD, "jane-9", "jane-10", "data-1"), waiting=(waits,), sent=GOOD.sent[:5]
    )


def accepted_again(query_id: str) -> Evidence:
    """The vendor runs a second query."""
    fields = {"patient_id": PATIENT, "purpose": "ias", "metadata": {"iasQueryId": query_id}}
    return with_vendor(GOOD, "network_queries", "vendor-again", **fields)


def crowd(operation: str, number: int, **more: object) -> Evidence:
    """So many calls within half a minute."""
    return with_calls(GOOD, *(call(10 + n, operation, **more) for n in range(number)))


CLAIM = {"payload": {"patientId": PATIENT, "proofedIdentityId": "pid_identity-two"}}
UNBOUND = webhook("m9", "ias.identity.verified", CLAIM, "s9", {})
SILENT = webhook("m9", "ias.identity.verified", CLAIM, "s9", {"iasVerificationId": "v-2"})
FAILED = {"source": "pharmacy", "status": "failed", "from": "webhook"}
COMPLETED = {**FAILED, "status": "completed"}

VIOLATIONS: list[tuple[str, str, Callable[[], Evidence]]] = [
    ("I1", "an identity without effect", lambda: with_webhook(GOOD, SILENT)),
    ("I1", "news without effect", lambda: without(GOOD, "jane-8", "jane-9")),
    ("I1", "a record that is never told", lambda: without(GOOD, "jane-10")),
    (
        "I1",
        "news that take effect twice",
        lambda: with_records(GOOD, event(11, "NetworkQuerySourceUpdated", **COMPLETED, **OF_QUERY)),
    ),
    (
        "I1",
        "news that no webhook brought",
        lambda: with_records(GOOD, event(11, "NetworkQuerySourceUpdated", **FAILED, **OF_QUERY)),
    ),
    (
        "I1",
        "an identity of a shared patient bound to one of the two",
        lambda: with_records(
            with_webhook(GOOD, UNBOUND),
            event(11, "IdentityVerified", linkId="v-2", **WHO),
            event(1, "PatientRegistered", "bob", commandId="c1", purpose="ias", **WHO),
        ),
    ),
    (
        "I1",
        "an alarm too many",
        lambda: with_records(GOOD, event(0, "IdentityVerificationUnbound", "operators")),
    ),
    (
        "I2",
        "a session of another identity",
        lambda: with_vendor(GOOD, "aal2_sessions", SESSION, identity_id="pid_other"),
    ),
    (
        "I2",
        "a session of another patient",
        lambda: with_vendor(GOOD, "aal2_sessions", SESSION, patient_id="patient-2"),
    ),
    (
        "I2",
        "a session that was over",
        lambda: with_calls(GOOD, query_call(910)),
    ),
    (
        "I2",
        "a session that was refused before",
        lambda: with_calls(GOOD, query_call(20, status=403), query_call(50)),
    ),
    ("I2", "a return that nobody confirmed", lambda: without(GOOD, "jane-5")),
    (
        "I2",
        "an identity after its revocation",
        lambda: with_calls(with_records(GOOD, event(11, "IdentityRevoked", **WHO)), query_call(50)),
    ),
    (
        "I2",
        "a second session with one confirmation",
        lambda: with_calls(
            session_of(GOOD, "aal2_two", IDENTITY, PATIENT),
            query_call(8, headers={"x-aal2-session": "aal2_two"}),
        ),
    ),
    ("I3", "a command accepted twice", lambda: accepted_again(QUERY)),
    ("I3", "a query that was told to nobody", lambda: accepted_again("query-of-nobody")),
    (
        "I3",
        "a command that became two queries",
        lambda: with_records(
            accepted_again("query-2"),
            event(11, "NetworkQueryQueued", **{**OF_QUERY, "requestId": "query-2"}),
        ),
    ),
    ("I4", "a command without an end", lambda: without(GOOD, "jane-10")),
    ("I4", "a command that waits past its deadline", lambda: waiting(deadline=-100)),
    ("I5", "a gap", lambda: without(GOOD, "jane-4")),
    ("I5", "a last event that is never told", lambda: replace(GOOD, numbered={SUBJECT: 11})),
    (
        "I5",
        "one number for two events",
        lambda: with_records(GOOD, event(10, "Aal2SessionExpired", id="another", **WHO)),
    ),
    (
        "I5",
        "an event that comes too early",
        lambda: with_records(
            without(GOOD, "jane-4"),
            replace(event(4, "Aal2SessionReceived", commandId="c3", **WHO), offset=99),
        ),
    ),
    (
        "I5",
        "a subject on two partitions",
        lambda: with_records(GOOD, replace(event(11, "Aal2SessionExpired", **WHO), partition=1)),
    ),
    ("I6", "an answered webhook that is not on the topic", lambda: without(GOOD, "m2")),
    (
        "I6",
        "a failure that is left at the vendor",
        lambda: with_webhook(GOOD, {**UNBOUND, "status": "failure"}, status=503),
    ),
    (
        "I6",
        "a webhook that the vendor never sent",
        lambda: with_records(GOOD, record("metriport.webhooks.v1", 9, {"ce_id": "forged"}, {})),
    ),
    ("I7", "a session in a log", lambda: replace(GOOD, logs={"gateway": f"used {SESSION}"})),
    (
        "I7",
        "an identity in the database, in hex",
        lambda: replace(GOOD, dump=rf"\x00ff{IDENTITY.encode().hex()}00ff"),
    ),
    (
        "I7",
        "a data link in an event",
        lambda: with_records(GOOD, event(11, "CommandRejected", message=LINK)),
    ),
    (
        "I7",
        "a key in a dead letter",
        lambda: with_records(
            GOOD, record("ias.dead-letters.v1", 0, {"ce_id": "api-key-of-the-account"}, {})
        ),
    ),
    ("I8", "too many calls in a minute", lambda: crowd("create-patient", 16)),
    (
        "I8",
        "too many calls with one source",
        lambda: crowd("start-network-query", 21, body={"sources": {"pharmacy": True}}),
    ),
    ("I8", "a 429", lambda: with_calls(GOOD, call(10, "create-patient", status=429))),
    ("I9", "news without an identity", lambda: without(GOOD, "jane-3")),
    (
        "I9",
        "data for another subject of the patient",
        lambda: with_records(GOOD, event(1, "ConsolidatedDataReady", "bob", **WHO, noData=True)),
    ),
    (
        "I9",
        "news after a revocation",
        lambda: with_records(
            GOOD,
            event(11, "IdentityRevoked", **WHO),
            event(12, "NetworkQueryStarted", sources=[], **OF_QUERY),
        ),
    ),
    (
        "I9",
        "a link that no event names",
        lambda: with_records(
            GOOD,
            record(
                "ias.links.v1",
                1,
                {"ce_id": "data-2"},
                {
                    "linkId": "data-2",
                    "kind": "consolidated_data",
                    "url": LINK,
                    "subjectId": "bob",
                    "patientId": PATIENT,
                },
            ),
        ),
    ),
]
