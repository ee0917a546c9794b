"""Is the service well *now*: one command through all of it, and one webhook, each in two seconds.

A LinkPatient of a fresh subject crosses Kafka, consumers, Postgres, gateway, vendor and relay.
"""

import asyncio
import itertools
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from tests.chaos.box import StalledError
from tests.chaos.desk import Desk
from tests.chaos.flow import somebody
from tests.chaos.probe import Probe

GOOD_SECONDS: Final = 2.0
_NEXT_SECONDS: Final = 0.8
_TRIES: Final = 5
FREE_SLOTS = "update pacing_slot set usable_at = now() where operation = 'get_patient'"
"""The gateway looks up at most 30 patients a minute, by its own caution: the vendor has no such limit. A
canary that waited for its pace would say nothing about recovery, and nobody but canaries links patients."""


@dataclass
class Canary:
    """Sends canaries; ``free_slots`` keeps them from waiting for pace."""

    desk: Desk
    probe: Probe
    free_slots: Callable[[], object]
    patient_id: str = ""

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self.good_seconds = GOOD_SECONDS
        self.usual: float | None = None
        """Seconds that a canary took while nothing was broken."""

    async def prepare(self) -> None:
        """Register the patient that every canary is linked to."""
        subject = "canary-0"
        command = await self.desk.send(
            subject, "RegisterPatient", purpose="ias", demographics=somebody()
        )
        told = await self.desk.told(subject, {"PatientRegistered"}, within=60.0, commandId=command)
        self.patient_id = told["patientId"]

    async def learn_what_is_normal(self) -> None:
        """On a machine that is busy with other things, normal is twice what it takes with nothing broken."""
        times = []
        for _ in range(_TRIES):
            began = time.monotonic()
            with suppress(StalledError):
                await self.cross()
            times.append(time.monotonic() - began)
        self.usual = statistics.median(times)
        self.good_seconds = max(GOOD_SECONDS, 2 * self.usual)

    async def cross(self) -> None:
        """One command of a fresh subject through all of it.

        Raises:
            StalledError: nothing came back in a minute.
        """
        subject = f"canary-{next(self._numbers)}"
        with suppress(OSError, RuntimeError):  # while Postgres itself is away
            await asyncio.to_thread(self.free_slots)
        try:
            command = await self.desk.send(
                subject, "LinkPatient", patientId=self.patient_id, purpose="ias"
            )
            await self.desk.told(subject, {"PatientRegistered"}, within=60.0, commandId=command)
        finally:
            self.desk.close_box(subject)

    async def until_well(self, within: float) -> float | None:
        """Seconds from now until a canary and a webhook were answered in good time; or ``None``."""
        began = time.monotonic()
        well = asyncio.Event()
        flying: set[asyncio.Task[None]] = set()
        while not well.is_set() and time.monotonic() < began + within:
            flying.add(asyncio.create_task(self._fly(well), name="canary"))
            with suppress(TimeoutError):
                await asyncio.wait_for(well.wait(), _NEXT_SECONDS)
        ended = time.monotonic()
        for task in flying:
            task.cancel()
        await asyncio.gather(*flying, return_exceptions=True)
        return ended - began if well.is_set() else None

    async def _fly(self, well: asyncio.Event) -> None:
        began = time.monotonic()
        try:
            await self.cross()
        except StalledError:
            return
        if time.monotonic() - began < self.good_seconds and self._webhooks_are_well(began):
            well.set()

    def _webhooks_are_well(self, since: float) -> bool:
        """Whether the newest webhook that was answered since then was answered well."""
        newest = [*self.probe.answers[-1:], *self.probe.excused[-1:]]
        if not newest:
            return False
        last = max(newest, key=lambda one: one.at)
        return (
            last.at + last.seconds >= since
            and last.status == 200
            and last.seconds < self.good_seconds
        )
