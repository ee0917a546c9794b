"""Tasks that outlive the request that started them, and end with the sandbox."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine

_log = logging.getLogger(__name__)


class Background:
    """Owns every task, so that none is left when the server stops."""

    def __init__(self, *, sleep: Callable[[float], Awaitable[None]]) -> None:
        self.sleep = sleep
        self.failures: list[BaseException] = []
        """Errors of the double itself. Tests should find it empty."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    def spawn(self, work: Coroutine[None, None, None], *, name: str) -> None:
        """Run work beside the requests."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def hold(self, seconds: float) -> None:
        """Hold a request for this long, or until the sandbox stops."""
        waiting = asyncio.ensure_future(self.sleep(seconds))
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait({waiting, closing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            closing.cancel()
            await asyncio.gather(waiting, closing, return_exceptions=True)

    async def idle(self) -> None:
        """Wait until no task is left: every query has ended, every webhook was delivered."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def lose(self, name: str) -> None:
        """End work of this name where it is, as if the process that did it had died."""
        for task in self._tasks:
            if task.get_name() == name:
                task.cancel()

    def stop_holding(self) -> None:
        """Let held requests go, so that shutting down need not wait for them."""
        self._closing.set()

    async def close(self) -> None:
        """Cancel what still runs and wait for its end."""
        self.stop_holding()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failures.append(error)
            _log.error("sandbox task %s failed", task.get_name(), exc_info=error)
