"""A command in a process of its own: waited for, and ended with whoever waits for it."""

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Mapping

from tests.local.deployment import ROOT


async def python(
    *arguments: str, within: float, env: Mapping[str, str] | None = None, errors: bool = False
) -> tuple[int, str]:
    """``python -m`` of this; its exit code, and what it printed, with ``errors`` also of those.

    Raises:
        TimeoutError: it did not end in so many seconds.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *arguments),
        env=env,
        cwd=ROOT,
        stdout=PIPE,
        stderr=STDOUT if errors else None,
    )
    try:
        async with asyncio.timeout(within):
            printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, printed.decode()
