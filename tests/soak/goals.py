"""The numbers to reach, in one table, and the commands that measure them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

CAMPAIGNS: Final[Mapping[str, str]] = {
    "chaos": "tests.chaos --together all --plant all --minutes 120 --storm 20000 --settle 300",
    "servers": "tests.chaos --together servers --minutes 32 --settle 300",
    "points": "tests.chaos --together points --minutes 50 --people 15 --settle 300",
    "storm": "tests.soak.storm",
    "rolls": "tests.soak.rolls",
    "outage": "tests.soak.outage",
    "refused": "tests.soak.refused",
    "slow-clients": "tests.soak.slow_clients",
    "wire": "tests.soak.wire",
    "bodies": "tests.soak.bodies",
    "cuts": "tests.soak.cuts",
    "walks": "tests.soak.walks",
    "orders": "tests.soak.orders",
    "bindings": "tests.soak.bindings",
    "pairs": "tests.soak.pairs",
    "mutants": "tests.soak.mutants",
    "rows": "tests.soak.rows",
    "steady": "tests.soak.steady",
    "pace": "tests.bench.dispatch",
    "ingress": "tests.bench.ingress",
    "answers": "tests.soak.answers",
    "keys": "tests.soak.keys",
}
"""By name, what is run with ``python -m``."""


class Goal(NamedTuple):
    """A number that a campaign says under ``figure`` is to be at least, or at most, this.

    Of several runs a count that ``adds_up`` is their sum, a seed that was run again being counted once;
    of any other number the worst stands.
    """

    what: str
    campaign: str
    figure: str
    bound: Literal["at least", "at most"]
    number: float
    adds_up: bool = False

    @property
    def text(self) -> str:
        """What is to be reached."""
        return "0" if self.number == 0 else f"{self.bound} {self.number:,}"

    def measured(self, runs: Sequence[Mapping[str, Any]]) -> Any:
        """What the runs come to together; None when no run says it."""
        said = [one for one in runs if one.get(self.figure) is not None]
        if not said:
            return None
        if self.adds_up:
            return sum({one["seed"]: one[self.figure] for one in said}.values())
        worst = min if self.bound == "at least" else max
        return worst(one[self.figure] for one in said)

    def is_reached(self, runs: Sequence[Mapping[str, Any]]) -> bool:
        """Whether it was; what was not measured was not reached."""
        measured = self.measured(runs)
        if measured is None:
            return False
        if self.bound == "at least":
            return bool(measured >= self.number)
        return bool(measured <= self.number)


def none(campaign: str, figure: str, what: str) -> Goal:
    """There must be none of it."""
    return Goal(what, campaign, figure, "at most", 0)


def counted(campaign: str, figure: str, what: str, number: int) -> Goal:
    """There must be so many of it, over all runs; each says its ``seed``."""
    return Goal(what, campaign, figure, "at least", number, adds_up=True)


GOALS: Final = (
    counted("chaos", "killed_at_any_moment", "kills at any moment", 1_000),
    counted("chaos", "postgres_restarts", "restarts of Postgres", 500),
    Goal(
        "first commit after Postgres is ready, p99 in s",
        "chaos",
        "first_commit_p99_s",
        "at most",
        3,
    ),
    counted("chaos", "broker_faults", "brokers killed or frozen", 500),
    counted("chaos", "messages", "messages meanwhile", 1_000_000),
    none("chaos", "lost", "lost"),
    none("chaos", "wrong", "wrong"),
    none("chaos", "duplicate_effects", "done twice"),
    none("chaos", "died", "processes that ended by themselves"),
    Goal("bugs planted in the product and caught", "chaos", "planted_bugs_caught", "at least", 10),
    counted(
        "servers",
        "broker_faults",
        "brokers killed or frozen beside restarts of Postgres alone",
        100,
    ),
    Goal(
        "webhooks are consumed again, p99 in s",
        "servers",
        "consumed_after_broker_p99_s",
        "at most",
        10,
    ),
    none("servers", "lost", "lost"),
    none("servers", "wrong", "wrong"),
    none("servers", "duplicate_effects", "done twice"),
    counted("points", "ended_at_named_points", "kills at named points", 2_000),
    Goal("named points", "points", "crash_points", "at least", 40),
    none("points", "lost", "lost"),
    none("points", "wrong", "wrong"),
    none("points", "duplicate_effects", "done twice"),
    Goal("re-deliveries of 50,000 webhooks at once", "storm", "deliveries", "at least", 150_000),
    none("storm", "missing", "webhooks without their effect"),
    none("storm", "doubled", "effects had twice"),
    Goal("answer, p99 in ms", "storm", "answer_p99_ms", "at most", 1_000),
    Goal("longest lag of the event loop in ms", "storm", "loop_lag_max_ms", "at most", 100),
    Goal("memory of the ingress in MiB", "storm", "rss_ingress_mib", "at most", 300),
    Goal("memory of the consumers in MiB", "storm", "rss_consumers_mib", "at most", 300),
    Goal("rolling deploys under 200 webhooks a second", "rolls", "rolls", "at least", 100),
    none("rolls", "not_2xx", "webhooks that were not answered 2xx"),
    none("rolls", "lost", "webhooks lost"),
    Goal("SIGTERM to the end, p99 in s", "rolls", "exit_p99_s", "at most", 15),
    Goal("seconds for which the broker stood still", "outage", "stalled_s", "at least", 60),
    Goal(
        "answered 200 by the spool in percent", "outage", "answered_200_percent", "at least", 99.9
    ),
    Goal("longest answer in s", "outage", "longest_answer_s", "at most", 3.5),
    Goal(
        "pings answered in percent, every backend down",
        "outage",
        "pings_answered_percent",
        "at least",
        100,
    ),
    Goal("a ping's answer, p99 in ms", "outage", "ping_p99_ms", "at most", 50),
    Goal("webhooks that an outage refused", "refused", "refused", "at least", 10_000),
    Goal("a retry is asked for after s", "refused", "retry_requested_after_s", "at most", 60),
    none("refused", "left", "left as failures"),
    Goal("half-open connections at once", "slow-clients", "half_open", "at least", 9_000),
    Goal("connections that drip", "slow-clients", "dripping", "at least", 1_000),
    Goal("the last is cut after s", "slow-clients", "cut_within_s", "at most", 6),
    Goal("a good client is answered, p99 in ms", "slow-clients", "good_p99_ms", "at most", 50),
    Goal("memory in MiB", "slow-clients", "rss_mib", "at most", 150),
    Goal("requests spoilt on the wire", "wire", "cases", "at least", 200_000),
    none("wire", "broken", "a crash, a 500 or a leak"),
    Goal("longest answer in s", "wire", "longest_s", "at most", 1),
    Goal("growth of memory in percent", "wire", "rss_growth_percent", "at most", 5),
    Goal("made-up bodies", "bodies", "cases", "at least", 5_000_000),
    none("bodies", "broken", "another error, or a secret that was not sealed"),
    Goal("longest look at one in s", "bodies", "longest_s", "at most", 1),
    Goal("growth of memory in percent", "bodies", "rss_growth_percent", "at most", 5),
    Goal("ways to cut a vendor call", "cuts", "schedules", "at least", 3_000),
    none("cuts", "received_twice", "calls received twice"),
    none("cuts", "misclassified_unsent", "calls taken for unsent that were received"),
    none("cuts", "ambiguous_on_sound", "unknown outcomes on sound connections"),
    Goal("seeds of the simulated dispatch", "walks", "walks", "at least", 1_000_000),
    none("walks", "broken", "states that break an invariant"),
    none("walks", "replayed_otherwise", "seeds that came out otherwise again"),
    Goal("sets of six messages in every order", "orders", "orders", "at least", 1_000_000),
    Goal("sequences of thirty messages", "orders", "sequences", "at least", 100_000),
    none("orders", "broken", "orders that end otherwise"),
    Goal("interleavings of two or three people", "bindings", "cases", "at least", 100_000),
    none("bindings", "cross_patient", "queries with another person's identity or session"),
    Goal(
        "breaks of the core's rules that are noticed, in percent",
        "mutants",
        "score_percent",
        "at least",
        90,
    ),
    Goal("audit rows", "rows", "rows", "at least", 1_000_000),
    Goal("their chain is verified in s", "rows", "chain_verified_s", "at most", 30),
    Goal("a million rows are under the new key in s", "rows", "rewrapped_s", "at most", 600),
    none("rows", "left_under_old_key", "rows left under the old key"),
    Goal("share of the vendor's limit used", "pace", "budget_used", "at least", 0.9),
    Goal("gateway replicas that share it", "pace", "replicas", "at least", 4),
    Goal("the most wrong of their clocks, in hours", "pace", "skew_h", "at least", 2),
    none("pace", "windows_over", "windows of a minute over the limit"),
    none("pace", "double_calls", "queries accepted twice"),
    Goal("answer at half of peak, p99 in ms", "ingress", "p99_ms_at_half_peak", "at most", 25),
    Goal("hours of steady work", "steady", "hours", "at least", 6),
    Goal("clients that gave up half way", "steady", "cancels", "at least", 10_000),
    Goal("growth of memory in MiB an hour", "steady", "slope_mib_per_h", "at most", 1),
    Goal("growth of open files", "steady", "fds_grown", "at most", 2),
    none("steady", "connections_grown", "growth of connections to Postgres"),
    none("steady", "lost", "webhooks lost"),
    Goal("cores that the ingress has", "answers", "cores_ingress", "at most", 1),
    Goal("webhooks a second", "answers", "rate_per_s", "at least", 495),
    Goal("answer, p50 in ms", "answers", "answer_p50_ms", "at most", 5),
    Goal("answer, p99 in ms", "answers", "answer_p99_ms", "at most", 25),
    Goal("answer, p99.9 in ms", "answers", "answer_p999_ms", "at most", 100),
    none("answers", "not_200", "webhooks that were not answered 200"),
    none("answers", "lost", "webhooks lost"),
    Goal("rotations of keys under 200 webhooks a second", "keys", "rotations", "at least", 20),
    none("keys", "failed", "webhooks of good keys that were not answered 200"),
    none("keys", "accepted_wrong", "webhooks of withdrawn keys that were accepted"),
    none("keys", "lost", "webhooks lost"),
    none("keys", "left_under_old_key", "rows left under an old key"),
    Goal("interleavings of two people on the real database", "pairs", "cases", "at least", 5_000),
    none("pairs", "cross_patient", "calls with another person's identity, session or patient"),
    none("pairs", "twice", "queries accepted twice"),
)
