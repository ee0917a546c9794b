"""What a check of the audit found, for a person and for a program."""

import msgspec

from consumers.auditing.verification import Report
from service.ias.audit_check import MEANINGS


class Broken(msgspec.Struct, frozen=True):
    """Where the chain is wrong first, and what that means."""

    number: int
    kind: str
    meaning: str


class Checked(msgspec.Struct, frozen=True):
    """What was checked. Without entries, ``first`` and ``last`` are ``None``."""

    in_order: bool
    entries: int
    first: int | None
    last: int | None
    heads_matched: int
    heads_skipped: int
    heads_given: int
    never_chained: int
    broken: Broken | None


def checked(report: Report, given: int) -> Checked:
    """As one document; ``given``: so many published heads were held against the chain."""
    broken = None
    if report.broken is not None:
        number, kind = report.broken
        broken = Broken(number, kind.value, MEANINGS[kind])
    return Checked(
        in_order=broken is None,
        entries=report.entries,
        first=report.first if report.entries else None,
        last=report.last if report.entries else None,
        heads_matched=report.heads_matched,
        heads_skipped=report.heads_skipped,
        heads_given=given,
        never_chained=report.never_chained,
        broken=broken,
    )


def as_text(told: Checked) -> str:
    """What was checked, and the first break if there is one."""
    skipped = f", {told.heads_skipped} before the first" if told.heads_skipped else ""
    done = (
        f"entries checked: {told.entries} (numbers {told.first} to {told.last}); "
        f"heads and checkpoints matched: {told.heads_matched}{skipped}; heads given: {told.heads_given}"
        if told.entries
        else f"entries checked: none; heads given: {told.heads_given}"
    )
    if told.broken is None:
        return f"{done}\nin order"
    missed = f" ({told.never_chained} entries)" if told.never_chained else ""
    broken = told.broken
    return f"{done}\nbroken at number {broken.number}: {broken.kind}: {broken.meaning}{missed}"
