"""Order and duplicate freedom of a network query (I1): every order of few messages, and many of many.

First every set of messages from a small alphabet, a start among them, in every order in which it can come,
with one of them repeated somewhere: one end for each set, and the one that its words owe. Then sequences of
up to thirty messages, many of them repeats, shuffled: each ends as its unshuffled self.

What fails is printed in full. A sequence is its seed, the campaign's and its number: ``--length 0
--sequences 1 --seed S`` repeats one.
"""

import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import combinations_with_replacement, permutations
from typing import Any, Final, NamedTuple

from schemas.sources import Source, SourceStatus
from service.ias.network_query import Update
from service.ias.network_query_messages import Message, News, ProofFound
from service.ias.network_query_table import QueryCue
from tests.ias.orders import (
    ASKED,
    DONE,
    FAILED,
    RUNS,
    T0,
    VENDOR_ID,
    Shell,
    answered,
    owed,
    owed_state,
    run,
)
from tests.soak.campaign import arguments, told

LONGEST: Final = 30
SHOWN: Final = 5
Run = Callable[[Sequence[Message]], Shell]


class Letter(NamedTuple):
    """A message, and what it says of a source, if it does."""

    name: str
    message: Message
    says: Update | None = None


def _news(name: str, source: Source, status: SourceStatus, minute: int | None) -> Letter:
    at = None if minute is None else T0 + timedelta(minutes=minute)
    update = Update(source=source, status=status, completed_at=at, early=status is RUNS)
    return Letter(name, News(update, "poll" if minute is None else "webhook"), update)


_ROW: Final = {"type": "hie", "status": "completed", "completedAt": "2026-06-01T15:01:30Z"}
STARTS: Final = (
    Letter("answered", answered()),
    Letter(
        "answered, hie done",
        answered([_ROW]),
        Update(source=Source.HIE, status=DONE, completed_at=T0 + timedelta(seconds=90)),
    ),
    Letter("proof", ProofFound(VENDOR_ID)),
)
OTHERS: Final = (
    _news("hie done at 1", Source.HIE, DONE, 1),
    _news("hie failed at 2", Source.HIE, FAILED, 2),
    _news("hie done, no time", Source.HIE, DONE, None),
    _news("lab failed at 1", Source.LAB, FAILED, 1),
    _news("lab done at 1", Source.LAB, DONE, 1),
    _news("lab early", Source.LAB, RUNS, None),
    Letter("proof", ProofFound(VENDOR_ID)),
    Letter("unclear", QueryCue.UNCLEAR),
    Letter("expired", QueryCue.EXPIRED),
    Letter("revoked", QueryCue.REVOKED),
)
_CUES: Final = (
    QueryCue.UNCLEAR,
    QueryCue.SESSION_RENEWED,
    QueryCue.EXPIRED,
    QueryCue.REVOKED,
    QueryCue.ERASED,
)


@dataclass
class Counted:
    """What was tried, and what did not end as it should."""

    sets: int = 0
    orders: int = 0
    sequences: int = 0
    messages: int = 0
    ends: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


def sets(length: int) -> Iterator[tuple[Letter, ...]]:
    """Every start with every set of others, repeats included, of at most so many letters."""
    for start in STARTS:
        for size in range(length):
            for others in combinations_with_replacement(OTHERS, size):
                yield (start, *others)


def try_set(letters: tuple[Letter, ...], draw: random.Random, seen: Counted, hear: Run) -> None:
    """Every order of it, with one letter heard once more at a later time."""
    seen.sets += 1
    says = owed(letter.says for letter in letters if letter.says is not None)
    expired = any(letter.message is QueryCue.EXPIRED for letter in letters)
    state = owed_state(says, expired=expired)
    end = hear([letter.message for letter in letters]).end()
    seen.ends.add(str(end))
    for places in _orders(letters):
        order = [letters[place] for place in places]
        again = draw.randrange(len(order))
        order.insert(draw.randint(again + 1, len(order)), order[again])
        shell = hear([letter.message for letter in order])
        seen.orders += 1
        seen.messages += len(order)
        rows = {source: row.status for source, row in shell.query.sources.items()}
        if shell.end() != end or shell.parked or (shell.query.state, rows) != (state, says):
            seen.wrong.append(" > ".join(letter.name for letter in order))


def _orders(letters: tuple[Letter, ...]) -> Iterator[tuple[int, ...]]:
    """Of the places of letters; two that are the same letter do not change places."""
    first = [letters.index(letter) for letter in letters]
    if len(set(first)) == len(first):
        yield from permutations(first)
    else:
        yield from sorted(set(permutations(first)))


def try_sequence(seed: int, seen: Counted, hear: Run) -> None:
    """A start, others, and repeats; shuffled, it ends as it did."""
    draw = random.Random(seed)
    messages = [_start(draw), *(_other(draw) for _ in range(draw.randrange(LONGEST * 2 // 3)))]
    repeats = draw.choices(messages, k=draw.randint(1, LONGEST - len(messages)))
    shuffled = [*messages, *repeats]
    draw.shuffle(shuffled)
    shell = hear(shuffled)
    seen.sequences += 1
    seen.messages += len(shuffled)
    if shell.end() != hear(messages).end() or shell.parked:
        seen.wrong.append(f"--length 0 --sequences 1 --seed {seed}: {shuffled}")


def _start(draw: random.Random) -> Message:
    if draw.random() < 1 / 3:
        return ProofFound(VENDOR_ID)
    statuses = ("processing", "in-progress", "completed", "failed")
    rows: list[dict[str, str]] = []
    for _ in range(draw.randrange(4)):
        row = {"type": draw.choice(ASKED).value, "status": draw.choice(statuses)}
        when = draw.choice(({}, {"completedAt": f"2026-06-01T15:0{draw.randrange(5)}:30Z"}))
        rows.append(row | when)
    errors: list[Any] = [{"source": draw.choice(ASKED).value, "httpStatus": 500}]
    return answered(rows, errors if draw.random() < 1 / 4 else [])


def _other(draw: random.Random) -> Message:
    if draw.random() < 1 / 4:
        return draw.choice(_CUES)
    minute = draw.choice((None, 0, 1, 2, 3, 4))
    letter = _news("", draw.choice(ASKED), draw.choice((RUNS, DONE, FAILED)), minute)
    return letter.message


def _main() -> int:
    asked = arguments("orders", __doc__, length=6, sequences=100_000)
    seen, draw, began = Counted(), random.Random(asked.seed), time.monotonic()
    for letters in sets(asked.length):
        try_set(letters, draw, seen, run)
        if seen.sets % 1_000 == 0:
            print(f"{seen.orders} orders, {len(seen.wrong)} wrong", file=sys.stderr, flush=True)
    for seed in range(asked.seed, asked.seed + asked.sequences):
        try_sequence(seed, seen, run)
        if seen.sequences % 20_000 == 0:
            print(f"{seen.sequences} sequences, {len(seen.wrong)} wrong", file=sys.stderr)
    took = time.monotonic() - began
    print(*seen.wrong[:SHOWN], sep="\n")
    figures = {
        "sets": seen.sets,
        "orders": seen.orders,
        "ends": len(seen.ends),
        "sequences": seen.sequences,
        "messages": seen.messages,
        "took_s": round(took, 1),
        "per_second": round((seen.orders + seen.sequences) / took),
    }
    return told("orders", asked.seed, len(seen.wrong), figures)


if __name__ == "__main__":
    sys.exit(_main())
