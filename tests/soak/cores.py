"""A core for one process alone. Only Linux can bind a process to a core: elsewhere nothing is bound."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def spared() -> Iterator[frozenset[int]]:
    """Leave a core free: this process, and what it starts from now on, has all others.

    Gives that core, or all of them where there is only one or nothing can be bound; that is said.
    """
    if not hasattr(os, "sched_setaffinity"):
        print("no process is bound to a core: only Linux can do that", flush=True)
        yield frozenset(range(os.cpu_count() or 1))
        return
    every = frozenset(os.sched_getaffinity(0))
    if len(every) == 1:
        print("there is one core, and everything shares it", flush=True)
        yield every
        return
    alone = frozenset({max(every)})
    os.sched_setaffinity(0, every - alone)
    try:
        yield alone
    finally:
        os.sched_setaffinity(0, every)


def bind(pid: int, cores: Iterable[int]) -> None:
    """Bind a running process to cores, with each of its threads: a thread has cores of its own."""
    if hasattr(os, "sched_setaffinity"):
        for thread in _threads(pid):
            os.sched_setaffinity(thread, cores)


def bound(pid: int) -> frozenset[int]:
    """The cores that a process, with all its threads, may run on."""
    if not hasattr(os, "sched_getaffinity"):
        return frozenset(range(os.cpu_count() or 1))
    return frozenset(core for thread in _threads(pid) for core in os.sched_getaffinity(thread))


def _threads(pid: int) -> list[int]:
    return [int(one.name) for one in Path(f"/proc/{pid}/task").iterdir()]
