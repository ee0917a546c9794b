"""Each role gets what it needs, and says everything that is missing or wrong at once (I7)."""

import base64
import re
from datetime import timedelta
from pathlib import Path

import pytest

from service.settings.reader import SettingsError
from service.settings.roles import (
    ConsumersSettings,
    GatewaySettings,
    IngressSettings,
    Role,
    load,
)

from .environment import CANARY, KEY, OLDER, REQUIRED

each_role = pytest.mark.parametrize("role", list(Role))
each_required = pytest.mark.parametrize(
    ("role", "name"), [(role, name) for role, names in REQUIRED.items() for name in names]
)


def _problems(role: Role, environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(role, environ)
    assert str(caught.value) == "; ".join(caught.value.problems)
    return caught.value.problems


def _names(problems: list[str]) -> list[str]:
    return [problem.split()[0] for problem in problems]


@each_role
def test_an_empty_environment_is_told_in_one_go(role: Role) -> None:
    assert sorted(_names(_problems(role, {}))) == sorted(REQUIRED[role])


@each_required
def test_one_missing_setting_is_the_only_problem(role: Role, name: str) -> None:
    environ = {key: value for key, value in REQUIRED[role].items() if key != name}
    assert _names(_problems(role, environ)) == [name]
    assert _names(_problems(role, {**environ, name: "  "})) == [name]


@each_role
def test_a_loaded_group_does_not_show_its_secrets(role: Role) -> None:
    settings = load(role, REQUIRED[role])
    for shown in (repr(settings), str(settings)):
        assert CANARY not in shown
        assert KEY not in shown
        assert repr(base64.b64decode(KEY))[2:-1] not in shown


@pytest.mark.parametrize(
    ("role", "name"),
    [
        (Role.GATEWAY, "METRIPORT_API_URL"),
        (Role.GATEWAY, "RETURN_URL_ALLOWLIST"),
        (Role.INGRESS, "PUBLIC_URL"),
        (Role.INGRESS, "LINK_KEYS"),
        (Role.INGRESS, "SEALING_PUBLIC_KEY"),
        (Role.CONSUMERS, "ENCRYPTION_KEYS"),
        (Role.CONSUMERS, "SEALING_PRIVATE_KEYS"),
    ],
)
@pytest.mark.parametrize(
    "value",
    [
        f"https://u:{CANARY}@host/",
        f"https://u:{CANARY}\u2100@host/",
        f"https://[{CANARY}]/",
        f"https://h:{CANARY}/",
        f"{CANARY}é",
        f"{CANARY}=",
        f"{OLDER},{CANARY}",
    ],
)
def test_a_wrong_value_is_never_repeated(role: Role, name: str, value: str) -> None:
    if name == "SEALING_PUBLIC_KEY" and value.startswith(OLDER):
        value = value.removeprefix(f"{OLDER},")
    problems = _problems(role, {**REQUIRED[role], name: value})
    assert _names(problems) == [name]
    assert CANARY not in problems[0]


def test_several_wrong_values_are_told_together_and_by_name() -> None:
    wrong = {
        "HTTP_PORT": "70000",
        "LOG_FORMAT": "xml",
        "PUBLIC_URL": "ias.example.com",
        "LINK_KEYS": "c2hvcnQ=",
        "CALLBACK_MAC_KEYS": "not base64!",
        "METRIPORT_WEBHOOK_KEYS": ",",
    }
    problems = _problems(Role.INGRESS, {**REQUIRED[Role.INGRESS], **wrong})
    assert sorted(_names(problems)) == sorted(wrong)
    for value in wrong.values():
        if value != ",":
            assert value not in "; ".join(problems)


def test_defaults_are_the_documented_ones() -> None:
    settings = load(Role.CONSUMERS, REQUIRED[Role.CONSUMERS])
    assert isinstance(settings, ConsumersSettings)
    assert (settings.process.http_port, settings.process.internal_port) == (8080, 9090)
    assert settings.rules.treatment_enabled is False
    assert settings.rules.session_max_age == timedelta(minutes=15)
    assert settings.rules.session_reuse is True
    assert settings.kafka.topic_prefix == ""
    assert settings.kafka.sasl_password is None


def test_given_values_arrive() -> None:
    environ = {
        **REQUIRED[Role.GATEWAY],
        "TREATMENT_ENABLED": "true",
        "AAL2_SESSION_MAX_AGE": "3600",
        "PACING_SHARE": "40",
        "PACING_NETWORK_QUERIES": "60",
    }
    settings = load(Role.GATEWAY, environ)
    assert isinstance(settings, GatewaySettings)
    assert settings.rules.treatment_enabled is True
    assert settings.rules.session_max_age == timedelta(hours=1)
    assert (settings.pacing.share, settings.pacing.network_queries) == (40, 60)
    assert settings.pacing.network_queries_per_source == 20
    assert settings.pacing.per_day == 500  # the sandbox's
    assert settings.metriport.api_key.reveal() == f"{CANARY}-api"
    assert settings.metriport.api_url == "https://api.sandbox.metriport.com"
    assert settings.database.url.reveal() == f"postgresql://service:{CANARY}@db/ias"


@pytest.mark.parametrize(
    ("url", "given", "per_day"),
    [
        ("https://api.metriport.com", "0", 10_000),
        ("https://api.sandbox.metriport.com", "0", 500),
        ("https://api.sandbox.metriport.com", "700", 700),
    ],
)
def test_the_daily_quota_is_that_of_the_api_unless_it_is_named(
    url: str, given: str, per_day: int
) -> None:
    environ = {
        **REQUIRED[Role.GATEWAY],
        "METRIPORT_API_URL": url,
        "PACING_DAILY_QUOTA": given,
    }
    settings = load(Role.GATEWAY, environ)
    assert isinstance(settings, GatewaySettings)
    assert settings.pacing.per_day == per_day


def test_urls_and_keys_arrive_as_they_are_used() -> None:
    settings = load(Role.INGRESS, REQUIRED[Role.INGRESS])
    assert isinstance(settings, IngressSettings)
    assert settings.web.public_url == "https://ias.example.com"
    assert settings.web.return_urls == {
        "https://app.example.com/return",
        "https://app.example.com/back",
    }
    assert settings.sealing.public_key == b"o" * 32
    assert settings.webhooks.keys.current() == (b"K4n4ry-new", b"K4n4ry-old")


def test_keys_keep_their_order_newest_first() -> None:
    settings = load(Role.CONSUMERS, REQUIRED[Role.CONSUMERS])
    assert isinstance(settings, ConsumersSettings)
    keys = (b"K4n4ry" + b"k" * 26, b"o" * 32)
    assert settings.at_rest.keys.all() == keys
    assert settings.opening.private_keys.reveal() == keys


@pytest.mark.parametrize("seconds", ["86401", "59", "-1", "15m", "1.5", "", "९००"])
def test_a_session_is_never_used_beyond_nists_day(seconds: str) -> None:
    """I2: NIST SP 800-63B-4 allows at most 24 hours."""
    environ = {**REQUIRED[Role.GATEWAY], "AAL2_SESSION_MAX_AGE": seconds}
    if not seconds:
        assert isinstance(load(Role.GATEWAY, environ), GatewaySettings)
        return
    assert _names(_problems(Role.GATEWAY, environ)) == ["AAL2_SESSION_MAX_AGE"]


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("AAL2_SESSION_MAX_AGE", 24 * 3600),
        ("AAL2_SESSION_MAX_IDLE", 3600),
        ("RETURN_CODE_LIFETIME", 600),
        ("CHALLENGE_LIFETIME", 24 * 3600),
    ],
)
def test_the_longest_lifetime_is_the_documented_one(name: str, most: int) -> None:
    """I2: NIST SP 800-63B-4: 24 h overall, 1 h idle, 10 minutes for a one-time code."""
    for role in (Role.CONSUMERS, Role.GATEWAY):
        load(role, {**REQUIRED[role], name: str(most)})
        assert _names(_problems(role, {**REQUIRED[role], name: str(most + 1)})) == [name]


@pytest.mark.parametrize("word", ["True", "1", "yes", "on", "TRUE"])
def test_treatment_is_enabled_by_the_one_word_only(word: str) -> None:
    """I9: nothing that merely looks like yes opens treatment."""
    environ = {**REQUIRED[Role.GATEWAY], "TREATMENT_ENABLED": word}
    assert _names(_problems(Role.GATEWAY, environ)) == ["TREATMENT_ENABLED"]


@pytest.mark.parametrize(
    "url",
    ["https://h/?", "https://h/#", "https://h/?a=b", "ftp://h", "https://", "//h", "https://h:0x"],
)
def test_a_base_url_has_nothing_that_a_path_could_not_follow(url: str) -> None:
    environ = {**REQUIRED[Role.GATEWAY], "METRIPORT_API_URL": url}
    assert _names(_problems(Role.GATEWAY, environ)) == ["METRIPORT_API_URL"]


@pytest.mark.parametrize(
    "url",
    ["http://api.metriport.com", "http://10.0.0.1", "http://localhost.example.com", "HTTP://h"],
)
def test_the_account_key_is_sent_nowhere_without_tls(url: str) -> None:
    """I7."""
    environ = {**REQUIRED[Role.GATEWAY], "METRIPORT_API_URL": url}
    assert _names(_problems(Role.GATEWAY, environ)) == ["METRIPORT_API_URL"]


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:8080", "127.0.0.2"])
def test_a_double_of_the_vendor_on_this_machine_needs_no_tls(host: str) -> None:
    environ = {**REQUIRED[Role.GATEWAY], "METRIPORT_API_URL": f"http://{host}"}
    load(Role.GATEWAY, environ)


@pytest.mark.parametrize("key", ["two words", "a\nb", "a\x00b", "clé", "a\tb"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(key: str) -> None:
    """Else every call would fail after its intent is marked."""
    problems = _problems(Role.GATEWAY, {**REQUIRED[Role.GATEWAY], "METRIPORT_API_KEY": key})
    assert _names(problems) == ["METRIPORT_API_KEY"]
    assert key not in str(problems)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:CANARY@db/ias",
        "db.example.com",
        "postgres:/ias",
        "postgresql://u:CAN#ARY@db/ias",
        "postgresql://u:CAN/ARY@db/ias",
        "postgresql://[CANARY/ias",
    ],
)
@pytest.mark.parametrize(
    ("role", "name"),
    [(Role.INGRESS, "DATABASE_URL"), (Role.MIGRATE, "MIGRATION_DATABASE_URL")],
)
def test_what_is_no_url_of_postgres_is_refused_and_not_shown(
    role: Role, name: str, url: str
) -> None:
    """A password whose special characters are not encoded is the most likely reason."""
    problems = _problems(role, {**REQUIRED[role], name: url})
    assert _names(problems) == [name]
    assert "percent-encoded" in str(problems)
    assert not {"CAN", "ARY"} & set(re.split("[^A-Z]+", str(problems)))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p%23w@db:5432/ias?sslmode=verify-full",
        "postgres://u@db/ias",
        "postgresql:///ias?host=/run/postgresql",
        "postgresql://u:p@a:5432,b:5432/ias?target_session_attrs=primary",
    ],
)
def test_urls_that_libpq_knows_are_taken(url: str) -> None:
    load(Role.INGRESS, {**REQUIRED[Role.INGRESS], "DATABASE_URL": url})


def test_a_mounted_file_is_read_and_wins_over_the_variable(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from-the-file\n", encoding="utf-8")
    environ = {**REQUIRED[Role.GATEWAY], "METRIPORT_API_KEY_FILE": str(file)}
    settings = load(Role.GATEWAY, environ)
    assert isinstance(settings, GatewaySettings)
    assert settings.metriport.api_key.reveal() == "from-the-file"


def test_an_unreadable_file_is_a_problem_and_the_variable_does_not_step_in(tmp_path: Path) -> None:
    environ = {**REQUIRED[Role.GATEWAY], "METRIPORT_API_KEY_FILE": str(tmp_path / "none")}
    problems = _problems(Role.GATEWAY, environ)
    assert "METRIPORT_API_KEY_FILE" in _names(problems)
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe" + CANARY.encode())
    environ["METRIPORT_API_KEY_FILE"] = str(binary)
    problems = _problems(Role.GATEWAY, environ)
    assert "METRIPORT_API_KEY_FILE" in _names(problems)
    assert CANARY not in "; ".join(problems)


def test_an_empty_file_is_a_missing_setting(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text(" \n", encoding="utf-8")
    environ = {**REQUIRED[Role.GATEWAY], "METRIPORT_API_KEY_FILE": str(tmp_path / "empty")}
    assert _names(_problems(Role.GATEWAY, environ)) == ["METRIPORT_API_KEY"]
