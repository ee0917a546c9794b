"""A Postgres that is there and cannot be used: what a tool says of it."""

import base64

import pytest
from asyncpg import InvalidPasswordError, QueryCanceledError

from consumers.command_line import ToolError
from consumers.main import main
from consumers.reaching import using_postgres
from service.crypto.keys import MissingKeyError
from service.store.pool import LimitsLostError
from tests.settings.environment import CANARY
from tests.stack.postgres import EmbeddedPostgres
from tests.support.plugin import SERVICE_ROLE
from tests.support.settings import ENCRYPTION_KEY


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command that cannot do its work says in its one line."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 1
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    return str(line)


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the audit's and the dispatcher's tools need beside a database."""
    key = base64.b64encode(ENCRYPTION_KEY).decode()
    monkeypatch.setenv("ENCRYPTION_KEYS", key)
    monkeypatch.setenv("AUDIT_PUBLIC_KEYS", key)


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("command", ["audit verify", "dispatch status"])
def test_a_database_that_does_not_exist_is_told_with_the_settings_name(
    command: str,
    postgres: EmbeddedPostgres,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres.dsn("there_is_none"))
    line = said(capsys, *command.split())
    assert "(InvalidCatalogNameError)" in line
    assert "DATABASE_URL" in line


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("command", ["audit verify", "audit head", "dispatch status"])
def test_a_database_that_was_never_migrated_is_told_with_the_command_that_mends_it(
    command: str,
    postgres: EmbeddedPostgres,
    empty_database: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres.dsn(empty_database))
    assert "run `metriport-ias migrate`" in said(capsys, *command.split())


def test_a_migration_whose_login_may_not_is_told_with_its_own_settings_name(
    postgres: EmbeddedPostgres,
    migrated_template: str,
    empty_database: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """SQLAlchemy wraps what Postgres says, with the statement in its text."""
    assert migrated_template  # which made the role
    url = postgres.dsn(empty_database, user=SERVICE_ROLE)
    monkeypatch.setenv("MIGRATION_DATABASE_URL", url)
    line = said(capsys, "migrate")
    assert "(InsufficientPrivilegeError)" in line
    assert "MIGRATION_DATABASE_URL" in line


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (InvalidPasswordError(CANARY), "Postgres cannot be used (InvalidPasswordError)"),
        (QueryCanceledError(CANARY), "Postgres cannot be used (QueryCanceledError)"),
        (OSError(CANARY), "Postgres cannot be used (OSError)"),
        (MissingKeyError(CANARY), "ENCRYPTION_KEYS lacks a key"),
        (LimitsLostError("connect to Postgres directly"), "connect to Postgres directly"),
    ],
)
def test_the_kind_of_an_error_is_told_and_not_its_text(error: Exception, told: str) -> None:
    """I7: the text may quote a URL."""
    with pytest.raises(ToolError) as raised, using_postgres("DATABASE_URL"):
        raise error
    assert str(raised.value).startswith(told)
    assert CANARY not in str(raised.value)


@pytest.mark.parametrize("error", [ZeroDivisionError(), BrokenPipeError(), ToolError("ours")])
def test_what_postgres_has_nothing_to_do_with_is_not_laid_at_its_door(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, using_postgres("DATABASE_URL"):
        raise error
    assert raised.value is error
