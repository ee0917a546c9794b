"""Every setting as one table, from the code that reads them; the README shows it."""

from service.settings.reader import Described
from service.settings.roles import Role, describe

HEAD = "| setting | roles | default | values | meaning |\n|---|---|---|---|---|"


def table() -> str:
    """A Markdown table of every setting of every role, in the order in which they are read."""
    rows: dict[str, tuple[Described, list[str]]] = {}
    for role in Role:
        for described in describe(role):
            rows.setdefault(described.name, (described, []))[1].append(role.value)
    return "\n".join([HEAD, *(_row(described, roles) for described, roles in rows.values())])


def _row(described: Described, roles: list[str]) -> str:
    default = "**required**" if described.default is None else f"`{described.default}`"
    if described.default == "":
        default = "none"
    kind = described.kind.replace(" | ", ", ")
    cells = (f"`{described.name}`", " ".join(roles), default, kind, described.meaning)
    return f"| {' | '.join(cells)} |"
