"""A deployment whose processes are looked at, after somebody has used it and somebody has abused it."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from aiohttp import ClientSession

from tests.local.application import Application
from tests.local.deployment import Deployment
from tests.local.journey import Journey
from tests.local.person import Person
from tests.stack.broker import Broker
from tests.stack.postgres import EmbeddedPostgres
from tests.support.deploying import deployed
from tests.support.waiting import until
from tests.telemetry.scraping import scrape, values
from tests.telemetry.story import retrieve

SUBJECT = "telemetry-subject"


@pytest.fixture(scope="session")
def used(
    request: pytest.FixtureRequest, postgres: EmbeddedPostgres, broker: Broker
) -> Iterator[Deployment]:
    """Every role as a process, one retrieval done, one forged webhook and one broken command refused."""
    more = {"LOG_FORMAT": "json", "DELIVERY_HEALER_PAUSE": "60"}
    quick = ("--step-seconds", "0.1")
    with deployed(request, "telemetry", (postgres, broker), more=more, sandbox=quick) as started:
        asyncio.run(_use(started))
        yield started


async def _use(deployment: Deployment) -> None:
    settings = deployment.settings
    port = int(settings.return_url.split(":")[2].split("/")[0])
    async with (
        Application(settings.bootstrap_servers, port, settings.topic_prefix) as application,
        Person(refresh_seconds=0.05) as person,
        ClientSession() as http,
    ):
        await retrieve(Journey(application, person, SUBJECT, patience=60.0))
        await application.send_raw("ias.command.RequestRecords", b"not json", b"nobody")
        forged = json.dumps({"ping": "x"}).encode()
        async with http.post(f"{settings.public_url}/webhooks/metriport", data=forged) as refused:
            assert refused.status == 401
    await until(lambda: _is_settled(deployment), within=60)


def _is_settled(deployment: Deployment) -> bool:
    """Whether every loop that measures has looked at what happened."""
    consumers = scrape(deployment, "consumers")
    gateway = scrape(deployment, "gateway")
    return (
        sum(values(consumers["ias_dead_letters_total"])) >= 1
        and values(consumers["ias_audit_chain_length"])[0] > 0
        and sum(values(consumers["ias_open_things"], thing="aal2_session", state="proven")) == 1
        and values(gateway["ias_vendor_calls_of_day"])[0] > 5
        and values(gateway["ias_vendor_quota_left"])[0] > 0
        and sum(values(consumers["ias_consumer_lag_records"])) == 0
    )
