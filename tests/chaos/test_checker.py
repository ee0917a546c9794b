"""The checker finds nothing in a good run, and each invariant in runs that break it by hand."""

import ast
import base64
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos import checker
from tests.chaos.checker import Evidence, Kind, check
from tests.chaos.checker.i7_secrets import spellings
from tests.chaos.evidence import limits_in_force
from tests.chaos.record_stories import BROKEN, requested, unfinished
from tests.chaos.record_stories import waiting as waiting_for
from tests.chaos.synthetic import (
    BEGAN,
    QUERY,
    SESSION,
    SUBJECT,
    event,
    record,
    with_records,
    with_webhook,
)
from tests.chaos.violations import GOOD, OF_QUERY, SILENT, VIOLATIONS, accepted_again, waiting

INVARIANTS = [f"I{n}" for n in range(1, 10)]


def broken(evidence: Evidence) -> set[str]:
    """Which invariants are broken."""
    return {verdict.invariant for verdict in check(evidence) if verdict.broken}


def test_a_good_run_is_clean_and_every_invariant_had_something_to_look_at() -> None:
    verdicts = check(GOOD)
    assert [verdict.broken for verdict in verdicts] == [[]] * 10
    assert [verdict.invariant for verdict in verdicts] == [*INVARIANTS, "records"]
    assert all(verdict.checked for verdict in verdicts if verdict.invariant in INVARIANTS)


def test_nothing_to_look_at_is_visible() -> None:
    empty = Evidence(at=0.0, vendor={"identities": {}, "aal2_sessions": {}})
    assert [verdict.checked for verdict in check(empty)][:6] == [0] * 6


def test_repeats_break_nothing() -> None:
    """At least once is the promise: the same id under the same number, and the same webhook again."""
    again = [one for one in GOOD.records if one.topic == "ias.events.v1"]
    later = [replace(one, offset=one.offset + 100) for one in again]
    repeated = replace(with_records(GOOD, *later), deliveries=GOOD.deliveries * 2)
    assert broken(replace(repeated, numbered={SUBJECT: 10})) == set()


@pytest.mark.parametrize(
    ("invariant", "evidence"),
    [(invariant, make) for invariant, _, make in VIOLATIONS],
    ids=[f"{invariant} {name}" for invariant, name, _ in VIOLATIONS],
)
def test_what_breaks_an_invariant_is_found(
    invariant: str, evidence: Callable[[], Evidence]
) -> None:
    assert invariant in broken(evidence())


def test_a_good_run_with_a_record_request_is_clean_and_the_request_was_looked_at() -> None:
    verdicts = {verdict.invariant: verdict for verdict in check(requested())}
    assert {name: one.broken for name, one in verdicts.items() if one.broken} == {}
    assert verdicts["records"].checked == 1


def test_a_record_request_that_waits_for_something_named_in_time_is_in_order() -> None:
    assert "records" not in broken(unfinished(waiting_for("sources", 3600)))


@pytest.mark.parametrize(
    "evidence", [make for _, make in BROKEN], ids=[f"it {name}" for name, _ in BROKEN]
)
def test_what_breaks_a_rule_of_record_requests_is_found(evidence: Callable[[], Evidence]) -> None:
    assert "records" in broken(evidence())


@pytest.mark.parametrize(
    ("invariant", "name", "kind", "began"),
    [
        ("I1", "news without effect", Kind.LOST, 8.0),  # tried for the first time
        ("I1", "news that take effect twice", Kind.DUPLICATE, 0.0),  # its command was sent
        ("I2", "a session that was over", Kind.WRONG, 910.0),  # the call
        ("I3", "a command accepted twice", Kind.DUPLICATE, 0.0),  # its command was sent
        ("I4", "a command without an end", Kind.LOST, 0.0),  # it was sent
        ("I5", "a gap", Kind.LOST, 3.0),  # the event before it
        ("I5", "one number for two events", Kind.WRONG, 10.0),  # the second of them
        ("I6", "an answered webhook that is not on the topic", Kind.LOST, 8.0),
        ("I6", "a webhook that the vendor never sent", Kind.WRONG, 9.0),  # the record
        ("I7", "a session in a log", Kind.WRONG, None),  # nobody knows
        ("I8", "too many calls in a minute", Kind.WRONG, 10.0),  # the first of that minute
        ("I9", "a link that no event names", Kind.WRONG, 1.0),  # the link was told
    ],
)
def test_a_finding_says_when_its_case_began_and_what_it_comes_to(
    invariant: str, name: str, kind: Kind, began: float | None
) -> None:
    ((_, _, make),) = [one for one in VIOLATIONS if one[:2] == (invariant, name)]
    found = next(one.broken[0] for one in check(make()) if one.invariant == invariant)
    assert found.kind is kind
    assert found.began == (None if began is None else BEGAN + began)


def test_every_invariant_is_broken_in_two_ways_or_more() -> None:
    names = [invariant for invariant, _, _ in VIOLATIONS]
    assert all(names.count(f"I{number}") >= 2 for number in range(1, 10))


def test_what_waits_in_time_and_what_is_told_twice_over_is_in_order() -> None:
    """Not everything unusual is wrong: a query that runs, a second sending that was told, an erasure."""
    assert broken(waiting(deadline=3600)) - {"I1"} == set()
    resent = event(11, "NetworkQueryQueued", resend=True, **OF_QUERY)
    assert "I3" not in broken(with_records(accepted_again(QUERY), resent))
    receipt = event(13, "SubjectErased", commandId="c9")
    assert "I5" not in broken(with_records(GOOD, receipt))


def test_an_unbound_identity_is_told_to_operators_once() -> None:
    told = event(0, "IdentityVerificationUnbound", "operators")
    kept = with_records(GOOD, told, record("metriport.webhooks.v1", 9, {"ce_id": "m9"}, {}))
    assert broken(with_webhook(kept, SILENT)) == set()


def test_what_is_known_to_be_written_by_a_stranger_is_not_taken_for_the_vendor_s() -> None:
    stranger = record("metriport.webhooks.v1", 9, {"ce_id": "forged"}, ["of a stranger"])
    assert broken(with_records(GOOD, stranger)) == {"I6"}
    known = frozenset({stranger.value or b""})
    assert broken(replace(with_records(GOOD, stranger), foreign=known)) == set()


def test_spellings_find_a_secret_at_any_alignment_of_base64() -> None:
    for before in ("", "a", "ab"):
        text = base64.b64encode(f"{before}{SESSION} and more".encode()).decode()
        assert any(word in text for word in spellings(SESSION).values())


def test_the_limits_in_force_are_the_narrower_ones() -> None:
    """A deployment that may use half of a limit is held to the half, whatever the vendor would allow."""
    theirs = {"write-patient": {"limit": 1000}, "start-consolidated-query": {"limit": 3}}
    found = limits_in_force({"PACING_SHARE": "50", "PACING_NETWORK_QUERIES": "1"}, theirs)
    assert found["write-patient"] == 7
    assert found["start-network-query"] == 1
    assert found["start-consolidated-query"] == 3


def test_the_checker_imports_nothing_of_the_product_nor_of_the_double() -> None:
    """It has only itself and the standard library to go by."""
    for file in Path(checker.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                is_own = name.startswith("tests.chaos.checker")
                assert is_own or name.partition(".")[0] in sys.stdlib_module_names, (file, name)
