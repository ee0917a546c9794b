"""What all routes share: one object that owns the state and everything that acts on it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from .background import Background
from .config import SandboxConfig
from .ids import Ids
from .ledger import Ledger
from .limits import Limiter
from .links import Bucket
from .scripts import Scripts
from .sender import Sender
from .state import State


@dataclass(kw_only=True)
class Sandbox:
    """One running double. Tests may read everything here, and change `state`."""

    config: SandboxConfig
    ids: Ids
    state: State
    ledger: Ledger
    limiter: Limiter
    scripts: Scripts
    background: Background
    bucket: Bucket
    sender: Sender
    app: web.Application
    origin: str = field(default="http://127.0.0.1")
    """Where callers reach this server; kept up to date by the requests themselves."""

    @property
    def now(self) -> Callable[[], float]:
        """The clock: seconds since the epoch."""
        return self.config.clock


def build_kernel(config: SandboxConfig, app: web.Application) -> Sandbox:
    """Make the parts of one sandbox and tie them together."""
    ids = Ids(seed=config.seed, clock=config.clock)
    state = State()
    background = Background(sleep=config.sleep)
    if config.webhook_url is not None:
        settings = state.settings
        settings.exists = True
        settings.webhook_url = config.webhook_url
        settings.webhook_key = config.webhook_key or ids.nanoid()
    return Sandbox(
        config=config,
        ids=ids,
        state=state,
        ledger=Ledger(),
        limiter=Limiter(config.limits, daily_quota=config.daily_quota, clock=config.clock),
        scripts=Scripts(),
        background=background,
        bucket=Bucket(secret=ids.token(), clock=config.clock),
        sender=Sender(config=config, settings=state.settings, ids=ids, background=background),
        app=app,
        origin=config.public_url or "http://127.0.0.1",
    )
