"""The limits as values: what they add up to, and that nothing is ever taken twice or left taken."""

import random

import pytest

from service.ingress import limits
from service.ingress.limits import MIB, Bodies, Overloaded, Places, Room


def test_a_place_is_given_back_whatever_happens() -> None:
    places = Places("webhooks", 1)
    with pytest.raises(ZeroDivisionError), places:
        raise ZeroDivisionError
    with places, pytest.raises(Overloaded), places:
        pytest.fail("there was one place only")
    places.check()


def test_the_fifth_large_body_is_refused_and_its_bytes_are_forgotten() -> None:
    bodies = Bodies()
    rooms = [Room(bodies, 0) for _ in range(5)]
    for room in rooms[:4]:
        room.grow(32 * MIB)
    with pytest.raises(Overloaded):
        rooms[4].grow(8 * MIB + 1)
    rooms[4].grow(8 * MIB)
    rooms[0].__exit__(None, None, None)
    rooms[4].grow(8 * MIB + 1)
    assert (bodies.large, bodies.held) == (4, 3 * 32 * MIB + 8 * MIB + 1)


def test_a_body_of_a_pings_size_always_finds_room() -> None:
    bodies = Bodies(total=0, large=0)
    bodies.check(limits.SMALL_BODY)
    Room(bodies, 0).grow(limits.SMALL_BODY)
    with pytest.raises(Overloaded):
        Room(bodies, 0).grow(limits.SMALL_BODY + 1)


def test_an_announcement_counts_only_when_it_is_in_earnest() -> None:
    bodies = Bodies()
    room = Room(bodies, 32 * MIB)
    room.grow(1 * MIB)
    assert (bodies.large, bodies.held) == (0, 1 * MIB)
    room.grow(1 * MIB + 1)
    assert (bodies.large, bodies.held) == (1, 32 * MIB)


@pytest.mark.parametrize("seed", range(50))
def test_whatever_comes_the_sum_stays_within_the_bound(seed: int) -> None:
    """S14. Never above the bounds, and nothing held once all have left."""
    chance = random.Random(seed)
    bodies, rooms = Bodies(), dict[int, tuple[Room, int]]()
    for _ in range(2_000):
        number = chance.randrange(60)
        announced = chance.choice([0, 0, 5_000, 3 * MIB, 20 * MIB, 32 * MIB])
        room, size = rooms.get(number, (Room(bodies, announced), 0))
        try:
            size += chance.choice([100, 65_536, 4 * MIB])
            room.grow(min(size, 32 * MIB))
            rooms[number] = (room, size)
        except Overloaded:
            rooms.pop(number, None)
        if chance.random() < 0.1:
            room.__exit__(None, None, None)
            rooms.pop(number, None)
        assert bodies.held <= limits.BODY_BYTES
        assert bodies.large <= limits.LARGE_BODIES
    for room, _ in rooms.values():
        room.__exit__(None, None, None)
    assert (bodies.held, bodies.large) == (0, 0)
