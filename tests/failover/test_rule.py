"""What a look at the database comes to: as pure values."""

from datetime import UTC, datetime, timedelta

import pytest

from service.gateway.failover.rule import Verdict, judge
from service.settings.failover import Policy
from service.store.known_cluster import Beat, Cluster, Sight

SINCE = datetime(2026, 6, 1, tzinfo=UTC)
HERE = Cluster(7, 1)


def _sight(known: Cluster | None, beat: Beat | None) -> Sight:
    return Sight(known, HERE, beat, None)


@pytest.mark.parametrize(
    ("known", "policy", "verdict"),
    [
        (HERE, Policy.PAUSE, Verdict.GO_ON),
        (HERE, Policy.TRUST, Verdict.GO_ON),
        (Cluster(7, 2), Policy.PAUSE, Verdict.STOP),
        (Cluster(7, 2), Policy.TRUST, Verdict.TRUST),
        (Cluster(8, 1), Policy.PAUSE, Verdict.STOP),
        (Cluster(8, 1), Policy.TRUST, Verdict.TRUST),
    ],
)
def test_identity(known: Cluster, policy: Policy, verdict: Verdict) -> None:
    assert judge(_sight(known, Beat(SINCE, 5)), Beat(SINCE, 5), policy) is verdict


@pytest.mark.parametrize("policy", list(Policy))
def test_nothing_known_is_nothing_trusted(policy: Policy) -> None:
    assert judge(_sight(None, None), None, policy) is Verdict.STOP


@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize("known", [HERE, Cluster(7, 2), None])
@pytest.mark.parametrize(
    "beat",
    [Beat(SINCE, 4), Beat(SINCE - timedelta(days=1), 9), None],
    ids=["less", "older", "none"],
)
def test_whoever_remembers_more_has_proof(
    known: Cluster | None, policy: Policy, beat: Beat | None
) -> None:
    """Nothing of it is trusted, whatever the policy and the identity."""
    assert judge(_sight(known, beat), Beat(SINCE, 5), policy) is Verdict.LOST


def test_after_a_resume_what_was_remembered_before_counts_no_more() -> None:
    anew = Beat(SINCE + timedelta(hours=1), 3)
    assert judge(_sight(HERE, anew), Beat(SINCE, 5), Policy.PAUSE) is Verdict.GO_ON
