"""Settings at hand, and what Metriport says of the account's webhook."""

import pytest

from consumers.doctor import environment, vendor
from consumers.doctor.capabilities import Past, judge
from consumers.doctor.finding import Finding, Verdict, lines, ok, report, warning, wrong
from consumers.webhook_setup.account import Account, Health
from service.assumed.comparing import Origin, Seen
from service.settings.roles import Role
from tests.settings.environment import CANARY, KEY, REQUIRED

URL = "https://ias.example.com/webhooks/metriport"


def shown(findings: list[Finding]) -> str:
    return "\n".join(lines(report(findings)))


def test_whole_settings_are_told_by_role_without_a_value() -> None:
    """I7: whatever is odd about settings, none of them is repeated."""
    environ = REQUIRED[Role.CONSUMERS] | {"METRIPORT_API_KEY": f"{CANARY}-api"}
    found = list(environment.check(environ))
    assert [(one.about, one.verdict) for one in found if one.check == "settings"] == [
        ("ingress", Verdict.OK),
        ("consumers", Verdict.OK),
    ]
    assert CANARY not in shown(found)
    assert KEY not in shown(found)


def test_a_secret_that_a_role_must_not_hold_is_told_where_it_is_alone() -> None:
    environ = REQUIRED[Role.GATEWAY] | {"METRIPORT_WEBHOOK_KEYS": CANARY}
    (found,) = [one for one in environment.check(environ) if one.check == "settings.secrets"]
    assert found.found.startswith("METRIPORT_WEBHOOK_KEYS")


def test_settings_of_no_role_are_told_as_those_of_the_nearest() -> None:
    environ = dict(REQUIRED[Role.GATEWAY])
    del environ["METRIPORT_FACILITY_ID"]
    (found,) = [one for one in environment.check(environ) if one.check == "settings"]
    assert (found.about, found.verdict) == ("gateway", Verdict.WRONG)
    assert found.found.startswith("METRIPORT_FACILITY_ID is missing")


def test_a_role_that_was_asked_for_has_to_be_whole() -> None:
    found = list(environment.check(REQUIRED[Role.INGRESS], [Role.GATEWAY]))
    assert (found[0].about, found[0].verdict) == ("gateway", Verdict.WRONG)


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("PUBLIC_URL", "http://ias.example.com", "settings.public-url"),
        ("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092", "settings.kafka-transport"),
        ("DATABASE_URL", "postgresql://a@db/ias?sslmode=require", "settings.database-transport"),
    ],
)
def test_ways_that_are_not_protected_are_told(name: str, value: str, check: str) -> None:
    assert check in {one.check for one in environment.check({name: value})}


def test_where_the_webhooks_go_is_told() -> None:
    public = "https://ias.example.com"
    assert vendor.registered(Account(url=URL, key="k"), public).verdict is Verdict.OK
    assert vendor.registered(Account(), public).verdict is Verdict.WRONG
    other = Account(url="https://user:secret@other.example.com/hook?token=1", key="k")
    found = vendor.registered(other, public)
    assert found.verdict is Verdict.WARNING
    assert "secret" not in found.found
    assert "token" not in found.found


@pytest.mark.parametrize(
    ("health", "verdict"),
    [
        (Health(verified=True, failed=0), Verdict.OK),
        (Health(verified=True, failed=3), Verdict.WARNING),
        (Health(verified=False, failed=0), Verdict.WARNING),
        (Health(verified=False, failed=0, detail="timeout"), Verdict.WRONG),
        (Health(), Verdict.WARNING),
        (None, Verdict.WARNING),
    ],
)
def test_how_deliveries_go_is_told(health: Health | None, verdict: Verdict) -> None:
    (found,) = vendor.delivered(health)
    assert found.verdict is verdict


def test_metriports_key_is_looked_for_among_ours_and_never_shown() -> None:
    """I7."""
    assert vendor.known("the-key", []) == []
    (found,) = vendor.known("the-key", [b"older", b"the-key"])
    assert found.verdict is Verdict.OK
    (found,) = vendor.known("the-key", [b"older"])
    assert found.verdict is Verdict.WRONG
    assert "the-key" not in shown([found])


def seen(operation: str, status: int, *paths: str) -> Seen:
    shape: dict[str, tuple[str, ...]] = {"$": ("object",), **dict.fromkeys(paths, ("text",))}
    return Seen(Origin.ANSWER, operation, status, "application/json", shape)


def capability(name: str, *, knock: int | None, treatment: bool) -> Finding:
    answers = {} if knock is None else {"knock": seen("knock", knock, "$.message")}
    judged = judge(answers, Past([], {}), public_url=None, treatment=treatment)
    return next(one for one in judged if one.check == f"capability.{name}")


@pytest.mark.parametrize(
    ("knock", "treatment", "verdict"),
    [
        (None, False, Verdict.WARNING),
        (400, False, Verdict.OK),
        (403, False, Verdict.WRONG),
        (404, False, Verdict.WRONG),
        (403, True, Verdict.WARNING),
    ],
)
def test_whether_ias_is_enabled_is_told_as_far_as_it_is_known(
    knock: int | None,
    treatment: bool,  # noqa: FBT001 - a parameter of the table above
    verdict: Verdict,
) -> None:
    assert capability("ias", knock=knock, treatment=treatment).verdict is verdict


def test_an_accepted_ias_query_proves_that_ias_is_enabled() -> None:
    judged = list(judge({}, Past([], {"ias": 2}), public_url=None, treatment=False))
    (found,) = [one for one in judged if one.check == "capability.ias"]
    assert found.verdict is Verdict.OK


def test_the_worst_finding_is_the_verdict_of_all() -> None:
    fine, odd, bad = ok("a", "fine"), warning("b", "odd", "look"), wrong("c", "bad", "mend")
    assert report([]).verdict is Verdict.OK
    assert report([fine, odd]).verdict is Verdict.WARNING
    assert report([bad, odd, fine]).verdict is Verdict.WRONG


def test_the_same_about_several_things_is_one_line_for_a_person() -> None:
    odd = [warning("kafka.replication", "1 replicas", "add two", name) for name in ("a", "b")]
    assert list(lines(report(odd))) == [
        "warning kafka.replication a b: 1 replicas",
        "        → add two",
        "0 ok, 2 warning, 0 wrong",
    ]
