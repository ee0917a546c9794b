"""Is the service well *now*: one command through all of it, and one webhook, each in two seconds.

A LinkPatient of a fresh subject crosses Kafka, consumers, Postgres, gateway, vendor and relay.
"""

import asyncio
import itertools
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from tests.chaos.desk import Desk, StalledError
from tests.chaos.flow import somebody
from tests.chaos.probe import Probe

GOOD_SECONDS: Final = 2.0
_NEXT_SECONDS: Final = 0.8
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

    async def prepare(self) -> None:
        """Register the patient that every canary is linked to."""
        subject = "canary-0"
        command = await self.desk.send(
            subject, "RegisterPatient", purpose="ias", demographics=somebody()
        )
        told = await self.desk.told(subject, {"PatientRegistered"}, within=60.0, commandId=command)
        self.patient_id = told["patientId"]

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
        subject = f"canary-{next(self._numbers)}"
        with suppress(OSError, RuntimeError):  # while Postgres itself is away
            await asyncio.to_thread(self.free_slots)
        began = time.monotonic()
        try:
            command = await self.desk.send(
                subject, "LinkPatient", patientId=self.patient_id, purpose="ias"
            )
            await self.desk.told(subject, {"PatientRegistered"}, within=60.0, commandId=command)
        except StalledError:
            return
        finally:
            self.desk.close_box(subject)
        if time.monotonic() - began < GOOD_SECONDS and self._webhooks_are_well(began):
            well.set()

    def _webhooks_are_well(self, since: float) -> bool:
        """Whether the newest webhook that was answered since then was answered well."""
        if not self.probe.answers:
            return False
        last = self.probe.answers[-1]
        return (
            last.at + last.seconds >= since and last.status == 200 and last.seconds < GOOD_SECONDS
        )
