"""The campaign of orders: a shell in which order matters is found, and so is one that forgets."""

import random
from collections.abc import Sequence

from service.ias.network_query_messages import Message, News
from tests.ias.orders import Shell, run
from tests.soak.orders import OTHERS, STARTS, Counted, Run, sets, try_sequence, try_set


def _tried(length: int, hear: Run, sequences: int = 0) -> Counted:
    seen, draw = Counted(), random.Random(1)
    for letters in sets(length):
        try_set(letters, draw, seen, hear)
    for seed in range(sequences):
        try_sequence(seed, seen, hear)
    return seen


def _forgetting_what_comes_early(messages: Sequence[Message]) -> Shell:
    shell = Shell()
    for message in messages:
        shell.hear(message)
        shell.parked.clear()
    return shell


def _losing_all_news(messages: Sequence[Message]) -> Shell:
    return run([one for one in messages if not isinstance(one, News)])


def test_every_order_of_few_messages_and_some_of_many() -> None:
    seen = _tried(4, run, sequences=300)
    assert seen.wrong == []
    answers = 1 + 2 * 10 + 3 * 10**2 + 4 * 10**3
    with_a_proof = sum(10**size - 9**size for size in (1, 2, 3, 4))
    assert (seen.sets, seen.orders) == (3 * 286, 2 * answers + with_a_proof)
    assert len(seen.ends) > 10


def test_a_shell_in_which_order_matters_is_found() -> None:
    seen = _tried(3, _forgetting_what_comes_early)
    assert "expired > answered > answered" in seen.wrong
    assert any("--seed" in one for one in _tried(0, _forgetting_what_comes_early, 50).wrong)


def test_an_end_that_is_always_the_same_and_wrong_is_found() -> None:
    """What a source owes is known from what was said of it, not from another run."""
    start, news = STARTS[0], OTHERS[0]
    seen = Counted()
    try_set((start, news), random.Random(1), seen, _losing_all_news)
    assert len(seen.wrong) == seen.orders == 2
