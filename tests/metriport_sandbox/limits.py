"""Rate limits: fixed windows of one minute per operation, and the gateway's daily quota."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

WINDOW_SECONDS = 60
DAY_SECONDS = 86_400

# Create and Update Patient share one limit (Metriport docs).
_SHARED = {"create-patient": "write-patient"}


@dataclass(frozen=True)
class Verdict:
    """What the limiter says about one call."""

    limit: int
    remaining: int
    allowed: bool

    def headers(self) -> dict[str, str]:
        """Return the headers of the vendor's limiter; note the useless Retry-After."""
        found = {
            "RateLimit-Policy": f"{self.limit};w={WINDOW_SECONDS}",
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
        }
        return found if self.allowed else found | {"Retry-After": "0"}


@dataclass
class _Window:
    started: float
    count: int = 0


class Limiter:
    """Counts calls; every call counts, refused ones too."""

    def __init__(
        self,
        limits: Mapping[str, int],
        *,
        daily_quota: int | None,
        clock: Callable[[], float],
    ) -> None:
        self.limits = dict(limits)
        self.daily_quota = daily_quota
        self._clock = clock
        self._windows: dict[str, _Window] = {}

    def hit(self, operation: str) -> Verdict | None:
        """Count one call; None means that the operation has no limit."""
        name = _SHARED.get(operation, operation)
        limit = self.limits.get(name)
        if limit is None:
            return None
        count = self._count(name, WINDOW_SECONDS)
        return Verdict(limit, max(0, limit - count), allowed=count <= limit)

    def hit_gateway(self) -> bool:
        """Count one call of the day; False when the daily quota is used up."""
        count = self._count("gateway-day", DAY_SECONDS)
        return self.daily_quota is None or count <= self.daily_quota

    def counters(self) -> dict[str, dict[str, float | int | None]]:
        """Return the open windows by name, with their limits."""
        limits: dict[str, int | None] = {**self.limits, "gateway-day": self.daily_quota}
        return {
            name: {"count": window.count, "limit": limits.get(name), "started": window.started}
            for name, window in self._windows.items()
        }

    def _count(self, name: str, seconds: float) -> int:
        now = self._clock()
        window = self._windows.get(name)
        if window is None or now - window.started >= seconds:
            window = self._windows[name] = _Window(now)
        window.count += 1
        return window.count
