"""The assumptions as the table of the documents; ``python -m service.assumed.markdown`` prints it."""

from typing import Final

from service.assumed.table import ASSUMPTIONS

_HEAD: Final = "| id | assumed | known | otherwise | seen in |\n|---|---|---|---|---|"


def table() -> str:
    """Every assumption, a row each."""
    rows = (
        f"| {one.id} | {one.text} | {one.source} | {one.otherwise} | {one.seen_in} |"
        for one in ASSUMPTIONS
    )
    return "\n".join([_HEAD, *rows])


if __name__ == "__main__":
    print(table())  # noqa: T201 - its output
