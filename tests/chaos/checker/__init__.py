"""Judges a run by what it left behind: one small pure module for each invariant of DESIGN section 8.

What lives here: the evidence as values (``facts``), one reading of it that all share (``story``), I1 to
I9, and the rules of ``record_requests``. What must not: any code of the product, and any of the
double's. A checker that asks the product what is right would repeat its mistakes (``test_checker``).

It expects a run that has come to rest: the outbox empty, no webhook on its way, no call under way.
"""

from collections.abc import Callable
from typing import Final

from tests.chaos.checker import (
    i1_effects,
    i2_proof,
    i3_queries,
    i4_ends,
    i5_order,
    i6_kept,
    i7_secrets,
    i8_pace,
    i9_entitled,
    record_requests,
)
from tests.chaos.checker.facts import Evidence, Finding, Kind, Record, Verdict, Waiting
from tests.chaos.checker.story import Story

__all__ = ["Evidence", "Finding", "Kind", "Record", "Verdict", "Waiting", "check"]

_CHECKS: Final[tuple[Callable[[Story], Verdict], ...]] = (
    i1_effects.check,
    i2_proof.check,
    i3_queries.check,
    i4_ends.check,
    i5_order.check,
    i6_kept.check,
    i7_secrets.check,
    i8_pace.check,
    i9_entitled.check,
    record_requests.check,
)


def check(evidence: Evidence) -> list[Verdict]:
    """A verdict for each invariant, I1 to I9, and one for record requests."""
    story = Story(evidence)
    return [judge(story) for judge in _CHECKS]
