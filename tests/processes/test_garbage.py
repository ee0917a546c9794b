"""Garbage that refers to itself is found before there is much of it, also when it was not young any more."""

import subprocess
import sys

CROWDS = """
import gc
from consumers.processes import garbage

class Guest:
    def __init__(self):
        self.me = self

garbage.settle()
before, most, crowd = len(gc.get_objects()), 0, []
for _ in range(30):
    crowd = [Guest() for _ in range(100_000)]
    most = max(most, len(gc.get_objects()) - before)
print(most)
"""
"""Each crowd stays until the next one is there, so that every guest outlives a look at the young."""

TWO_CROWDS = 200_000


def test_crowds_that_come_and_go_do_not_pile_up() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CROWDS], capture_output=True, text=True, check=True, timeout=60
    )
    assert TWO_CROWDS / 2 <= int(done.stdout) < 5 * TWO_CROWDS
