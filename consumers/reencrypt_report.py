"""How many rows are under which key, so that an operator knows when an old key can go."""

from typing import Any, Final, NamedTuple

from service.crypto.keys import KeyRing
from service.crypto.sealing import Sealer
from service.store import reencryption, resealing
from service.store.pool import Connection
from service.store.reencryption import WRAPPED
from service.store.resealing import SEALED

_KAFKA: Final = (
    "Kafka is not changed: what is sealed on metriport.webhooks.v1, ias.callbacks.v1 and"
    " ias.dead-letters.v1 needs the SEALING_PRIVATE_KEYS of its time until retention ends.\n"
    "LINK_KEYS seal links and pages that end by themselves: keep an old one for the longest of"
    " VERIFICATION_LIFETIME and CHALLENGE_LIFETIME."
)


class Counted(NamedTuple):
    """The rows of one table by key id, and the id that they should have."""

    table: str
    setting: str
    newest: str
    rows: dict[str, int]

    @property
    def left(self) -> int:
        """Rows under any other key, held or not."""
        return sum(rows for key_id, rows in self.rows.items() if key_id != self.newest)

    def lines(self) -> list[str]:
        """One line for each key."""
        shown = {self.newest: 0, **self.rows}
        return [
            f"  {self.table}: {rows} under {key_id} ({'newest' if key_id == self.newest else 'OLD'})"
            for key_id, rows in shown.items()
        ]


class Report(NamedTuple):
    """All tables."""

    counted: list[Counted]

    @property
    def is_done(self) -> bool:
        """Whether nothing is left under an older or unknown key."""
        return not any(one.left for one in self.counted)

    def document(self) -> dict[str, Any]:
        """The same for a program."""
        tables = [{**one._asdict(), "left": one.left} for one in self.counted]
        return {"done": self.is_done, "tables": tables}

    def text(self) -> str:
        """For the operator. Key ids tell nothing about keys."""
        lines = []
        for setting in ("ENCRYPTION_KEYS", "SEALING_PRIVATE_KEYS"):
            mine = [one for one in self.counted if one.setting == setting]
            left = sum(one.left for one in mine)
            verdict = "old keys can go" if not left else f"{left} rows under old keys: KEEP them"
            lines += [f"{setting}: {verdict}", *(line for one in mine for line in one.lines())]
        return "\n".join([*lines, _KAFKA])


async def report(connection: Connection, ring: KeyRing, sealer: Sealer) -> Report:
    """Count everything."""
    newest = ring.newest[0].hex()
    wrapped = [
        Counted(place.table, "ENCRYPTION_KEYS", newest, await reencryption.count(connection, place))
        for place in WRAPPED
    ]
    sealed = [
        Counted(
            table.table,
            "SEALING_PRIVATE_KEYS",
            sealer.key_id,
            await resealing.count(connection, table),
        )
        for table in SEALED
    ]
    return Report([*wrapped, *sealed])
