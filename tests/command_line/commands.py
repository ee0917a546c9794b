"""Every command that there is, as the grammar itself has it: a new one cannot be forgotten."""

import argparse
from collections.abc import Iterator
from functools import cache
from typing import Final

from consumers.grammar import parser

SERVING: Final = frozenset({"ingress", "consumers", "gateway", "all"})
"""These run until they are told to stop."""


def commands() -> dict[str, argparse.ArgumentParser]:
    """Each command by its words, as ``flow show``; an alias is its first name."""
    return {name: one for name, one in everything().items() if not _actions(one)}


def groups() -> dict[str, argparse.ArgumentParser]:
    """What only holds commands, as ``flow``."""
    return {name: one for name, one in everything().items() if _actions(one)}


@cache
def everything() -> dict[str, argparse.ArgumentParser]:
    """Commands and groups."""
    return dict(_below("", parser()))


def _below(
    name: str, above: argparse.ArgumentParser
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    seen: set[int] = set()
    for word, one in _actions(above).items():
        if id(one) not in seen:
            seen.add(id(one))
            full = f"{name} {word}".strip()
            yield full, one
            yield from _below(full, one)


def _actions(one: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """argparse has no public way to ask for them."""
    for action in one._actions:  # noqa: SLF001 - as above
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            return dict(action.choices)
    return {}
