"""Many things at a time: what a wave has no time for comes first in the next, and recovery is looked up."""

import random
from typing import Any, cast

from tests.chaos.canary import Canary
from tests.chaos.lanes import LANES
from tests.chaos.probe import Answer, Probe
from tests.chaos.pulse import Beat, Pulse
from tests.chaos.waves import Queue
from tests.chaos.world import choose

NOBODY = cast("Any", None)


def pulse(*answers: Answer) -> Pulse:
    """Canaries that came back after 0.5, 9 and 2 seconds; the second was sent while things were broken."""
    probe = Probe("", "", answers=list(answers))
    beats = [Beat(100.0, 100.5), Beat(101.0, 110.0), Beat(106.0, 108.0)]
    return Pulse(Canary(NOBODY, probe, lambda: None), beats)


def recovery(of: Pulse, ended: float) -> float | None:
    return of.recoveries([ended])[0]


def test_recovery_is_when_the_first_command_and_the_first_webhook_sent_after_the_end_were_answered() -> (
    None
):
    good = Answer(105.5, 200, 0.25)
    assert recovery(pulse(good), 105.0) == 3.0
    assert recovery(pulse(good), 100.75) == 7.25, "one sent later came back before one sent sooner"
    slow = Answer(105.5, 200, 4.0)
    assert recovery(pulse(slow), 105.0) == 4.5


def test_who_never_answers_has_not_recovered() -> None:
    refused = Answer(105.5, 503, 0.25)
    early = Answer(99.0, 200, 0.25)
    assert recovery(pulse(refused, early), 105.0) is None
    assert recovery(pulse(Answer(107.0, 200, 0.25)), 106.5) is None


def test_an_act_that_does_not_fit_into_a_wave_is_the_first_of_the_next() -> None:
    lane = LANES[0]
    planned = [next(acts) for acts in [lane.acts(3)] for _ in range(3)]
    queue = Queue(lane.acts(3))
    assert queue.draw(60.0) == planned[0]
    assert queue.draw(0.1) is None
    assert queue.draw(0.1) is None
    assert [queue.draw(60.0), queue.draw(60.0)] == planned[1:]


def test_a_role_that_two_points_want_at_a_time_ends_at_each_with_another_replica() -> None:
    busy = choose(random.Random(1), "gateway").name
    for seed in range(20):
        free = choose(random.Random(seed), "gateway", but={busy})
        assert (free.role, free.name == busy) == ("gateway", False)
