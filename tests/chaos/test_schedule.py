"""A seed is a run: the same acts in the same order, with nothing left out in a round."""

from itertools import islice

import pytest

from tests.chaos.deployment import REPLICAS
from tests.chaos.lanes import LANES, SETS, STORMS
from tests.chaos.more_faults import FAULTS
from tests.chaos.points import POINTS
from tests.chaos.schedule import NAMES, acts, only


def test_a_seed_replays_the_schedule() -> None:
    assert list(islice(acts(7), 500)) == list(islice(acts(7), 500))
    assert list(islice(acts(7), 50)) != list(islice(acts(8), 50))


def test_what_an_act_chooses_does_not_depend_on_the_acts_before_it() -> None:
    act = next(islice(acts(7), 3, None))
    assert act.rng().random() == act.rng().random()


def test_each_round_has_every_fault_and_every_crash_point_once() -> None:
    for what, names in (
        ("fault", [fault.name for fault in FAULTS]),
        ("crash", [point.name for point in POINTS]),
    ):
        of_it = (act.name for act in acts(7) if act.what == what)
        assert sorted(islice(of_it, len(names))) == sorted(names)
        assert sorted(islice(of_it, len(names))) == sorted(names)


def test_acts_that_are_named_are_done_once_each_in_their_order_and_alone() -> None:
    done = list(only(7, ["poison", "sigkill", "vendor-call.after"]))
    assert [(act.what, act.name) for act in done] == [
        ("fault", "poison"),
        ("kill", "sigkill"),
        ("crash", "vendor-call.after"),
    ]
    assert not any(act.kill_inside for act in done)
    assert set(NAMES) == {act.name for act in islice(acts(7), 500)}


def test_a_named_fault_may_have_a_kill_in_its_middle_and_nothing_else_may() -> None:
    (act,) = only(7, ["postgres-frozen+kill"])
    assert (act.name, act.kill_inside) == ("postgres-frozen", True)
    with pytest.raises(ValueError, match="sigkill has no middle"):
        only(7, ["sigkill+kill"])


def test_an_act_that_there_is_not_is_named_before_anything_starts() -> None:
    with pytest.raises(ValueError, match=r"there is no thunder; there are broker-restarted, "):
        only(7, ["poison", "thunder"])


def test_there_are_as_many_crash_points_as_promised() -> None:
    assert len(POINTS) >= 40
    assert len({point.name for point in POINTS}) == len(POINTS)


def test_lanes_do_everything_and_no_two_of_them_the_same() -> None:
    of_lane = [set(lane.round) for lane in (*LANES, STORMS)]
    assert set.union(*of_lane) == set(NAMES)
    assert sum(map(len, of_lane)) == len(NAMES)


def test_a_seed_replays_each_lane_with_its_pauses() -> None:
    for lane in (*LANES, STORMS):
        done = list(islice(lane.acts(7), 100))
        assert done == list(islice(lane.acts(7), 100))
        assert done != list(islice(lane.acts(8), 100))
        assert all(lane.least <= act.pause <= lane.most for act in done)
        assert [act.number for act in done] == list(range(1, 101))


def test_points_alone_are_all_of_them_with_a_lane_for_each_replica_of_their_role() -> None:
    lanes = SETS["points"]
    assert set().union(*(lane.round for lane in lanes)) == {point.name for point in POINTS}
    for role in ("ingress", "consumers", "gateway"):
        mine = {point.name for point in POINTS if point.role == role}
        replicas = [one for one in REPLICAS if one.role == role]
        assert sum(set(lane.round) == mine for lane in lanes) == len(replicas)


def test_servers_alone_have_time_to_be_consumed_from_again_before_the_next_is_touched() -> None:
    postgres, brokers = SETS["servers"]
    assert set(postgres.round) == {"postgres-restarted"}
    assert {act.name for act in islice(brokers.acts(7), 50)} == set(brokers.round)
    assert all("broker" in name or "cluster" in name for name in brokers.round)
    assert min(act.pause for act in islice(brokers.acts(7), 100)) >= 7.0
