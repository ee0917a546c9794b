"""A database that all examples share, each with a patient and two subjects of its own."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import cast

import pytest

from consumers.context import Context
from consumers.processor import Processor
from consumers.reading import Reader
from consumers.rebinding import Rebinder
from consumers.sweeper import Sweeper
from consumers.unparking import Unparker
from service.crypto.keys import KeyRing
from service.crypto.sealing import Opener, Sealer
from service.gateway.client import VendorClient
from service.gateway.operations.common import Surroundings
from service.store.pool import Database
from tests.support.settings import (
    LINK_KEY,
    MAC_KEY,
    PUBLIC_URL,
    SEALING_PRIVATE_KEY,
    SEALING_PUBLIC_KEY,
    WEBHOOK_KEY,
    rules,
    web,
)

from .seeing import Watcher
from .truth import Truth
from .vendor import Vendor
from .world import Gateway, World

Build = Callable[[bool], World]


@pytest.fixture
def build(database: Database) -> Build:
    """Makes the world of one example; whether treatment is enabled in it."""
    numbers = count(1)

    def make(treatment_enabled: bool) -> World:  # noqa: FBT001 - its only argument
        number = next(numbers)
        patient, subjects = f"patient-{number}", (f"victor-{number}", f"mallory-{number}")
        truth = Truth(treatment_enabled)
        vendor = Vendor(truth, patient)
        settings = rules(treatment_enabled=treatment_enabled, openings_per_hour=1000)
        context = Context(
            rules=settings,
            web=web(),
            sealer=Sealer(SEALING_PUBLIC_KEY),
            opener=Opener((SEALING_PRIVATE_KEY,)),
        )
        reader = Reader(context.opener, lambda: (WEBHOOK_KEY.encode(),), KeyRing((MAC_KEY,)))
        around = Surroundings(
            facility_id="facility",
            public_url=PUBLIC_URL,
            link_keys=KeyRing((LINK_KEY,)),
            rules=settings,
        )
        return World(
            database=database,
            process=Processor(database, reader, context),
            gateway=Gateway(
                database,
                cast("VendorClient", vendor),
                around,
                timeout=timedelta(seconds=5),
            ),
            sweeper=Sweeper(database, settings),
            unparker=Unparker(database, context),
            rebinder=Rebinder(database, context),
            truth=truth,
            vendor=vendor,
            watcher=Watcher(database, truth, subjects),
            subjects=subjects,
            patient=patient,
        )

    return make
