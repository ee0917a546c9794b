"""A deployment whose every process has its own login and only its own rights."""

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.access.secured import NAME, PREFIX, SecuredDeployment, SecuredKafka
from tests.local.application import Application
from tests.local.journey import Journey
from tests.local.person import Person
from tests.stack.broker import KIND
from tests.stack.lifetime import Stack
from tests.stack.ports import free_port
from tests.stack.postgres import EmbeddedPostgres


@pytest.fixture(scope="session")
def secured(
    request: pytest.FixtureRequest, postgres: EmbeddedPostgres
) -> Iterator[SecuredDeployment]:
    """Three roles, the double, and Apache Kafka with its authorizer."""
    if os.environ.get(KIND) != "apache":
        pytest.skip("the broker of the wheel has no ACLs: `make test-kafka`")
    with Stack() as stack:
        kafka = stack.start(SecuredKafka())
        deployment = SecuredDeployment(
            stack,
            return_port=free_port(),
            servers=(postgres, kafka),
            name=NAME,
            more={"DELIVERY_HEALER": "false", "AUDIT_HEAD_SECONDS": "1"},
            sandbox_options=["--step-seconds", "0.1"],
        )
        deployment.start()
        yield deployment
    if not request.session.testsfailed:
        deployment.remove_logs()


@pytest.fixture
async def member(secured: SecuredDeployment) -> AsyncIterator[Journey]:
    """A person, and the application that is logged in as itself."""
    port = int(secured.settings.return_url.split(":")[2].split("/")[0])
    login = secured.kafka.login("application")
    application = Application(secured.kafka.secured_servers, port, PREFIX, login=login)
    async with application, Person(refresh_seconds=0.05) as person:
        yield Journey(application=application, browser=person, subject_id="acl-subject")
