"""How the vendor's own webhooks were answered, as the double's sender saw it."""

from bisect import bisect_left
from datetime import datetime
from typing import Any, NamedTuple, Self

from aiohttp import ClientSession

from tests.chaos.world import World

_SLACK = 0.3
"""Seconds between what two processes call the same moment, and between two samples."""


class Deliveries(NamedTuple):
    """Those that met an ingress which was there: their number, the longest, and those never answered."""

    number: int = 0
    longest: float = 0.0
    unanswered: int = 0

    @classmethod
    async def of(cls, world: World) -> Self:
        """Ask the double."""
        async with (
            ClientSession() as http,
            http.get(f"{world.vendor.url}/_sandbox/webhooks") as answer,
        ):
            found = (await answer.json())["deliveries"]
        fair = [one for one in found if one["url"] and not _met_nobody(one, world.away_at)]
        longest = max((one["seconds"] for one in fair), default=0.0)
        return cls(len(fair), longest, sum(not one["answered"] for one in fair))


def _met_nobody(delivery: dict[str, Any], away_at: list[float]) -> bool:
    """Whether the ingress was away by our hand at some moment of this delivery."""
    began = datetime.fromisoformat(delivery["at"]).timestamp() - _SLACK
    after = bisect_left(away_at, began)
    return after < len(away_at) and away_at[after] <= began + delivery["seconds"] + 2 * _SLACK
