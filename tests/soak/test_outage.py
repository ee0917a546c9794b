"""The campaign of outages sees what breaks: no answer, a late one, a lost webhook, a ping without its pong."""

import pytest

from tests.soak import outage
from tests.soak.deliveries import Delivery, Sent

SENT = Sent("one", b"")
GOOD = Delivery(SENT, 0.0, 1.0, 200)
WELL = {**outage.told_of_stall([GOOD]), **outage.told_of_pings([0.01]), "lost": 0}


def test_all_well_is_not_broken_and_neither_is_an_honest_no() -> None:
    assert outage.broken(WELL) == 0
    refused = outage.told_of_stall([GOOD, Delivery(SENT, 0.0, 1.0, 503)])
    assert refused["answered_200_percent"] == 50.0
    assert outage.broken(WELL | refused) == 0


@pytest.mark.parametrize(("status", "seconds"), [(0, 10.0), (200, 3.6), (503, 3.6)])
def test_no_answer_or_a_late_one_is_broken(status: int, seconds: float) -> None:
    found = outage.told_of_stall([GOOD, Delivery(SENT, 0.0, seconds, status)])
    assert (found["longest_answer_s"], outage.broken(WELL | found)) == (seconds, 1)


def test_a_ping_without_its_pong_and_a_lost_webhook_are_broken() -> None:
    found = outage.told_of_pings([0.01, None, 0.02])
    assert (found["ping_p99_ms"], found["pings_answered_percent"]) == (20.0, 66.667)
    assert outage.broken(WELL | found | {"lost": 2}) == 3
    assert outage.told_of_pings([None])["ping_p99_ms"] is None
