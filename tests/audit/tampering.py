"""What somebody who owns the database may do to single rows: statements for ``Ledger.tamper``."""

_FREE = 9_000_000_000
"""A number that no chain of a test has."""

EARLIER = "recorded_at = e.recorded_at - interval '1 second'"


def entry_altered(number: int, change: str) -> tuple[str, ...]:
    """Change the entry of a link; ``e`` is the entry."""
    link = f"from audit_chain c where c.entry_id = e.entry_id and c.number = {number}"
    return (f"update audit_entry e set {change} {link}",)  # noqa: S608 - texts of tests


def entry_removed(number: int) -> tuple[str, ...]:
    """Take the entry of a link away."""
    link = f"where c.entry_id = e.entry_id and c.number = {number}"
    return (f"delete from audit_entry e using audit_chain c {link}",)  # noqa: S608 - as above


def link_altered(number: int, change: str) -> tuple[str, ...]:
    """Change a link."""
    return (f"update audit_chain set {change} where number = {number}",)  # noqa: S608 - as above


def link_removed(number: int) -> tuple[str, ...]:
    """Take a link away."""
    return (f"delete from audit_chain where number = {number}",)  # noqa: S608 - as above


def links_swapped(one: int, two: int) -> tuple[str, ...]:
    """Let two links change places."""
    return (
        *link_altered(one, f"number = {_FREE}"),
        *link_altered(two, f"number = {one}"),
        *link_altered(_FREE, f"number = {two}"),
    )


def entries_swapped(one: int, two: int) -> tuple[str, ...]:
    """Let two links name each other's entry."""
    pair = f"a.number in ({one}, {two}) and b.number in ({one}, {two}) and a.number <> b.number"
    change = "set entry_id = b.entry_id, recorded_at = b.recorded_at from audit_chain b"
    return (f"update audit_chain a {change} where {pair}",)
