"""The double's control API, as tests use it."""

import asyncio
import json
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import ClientSession

Fields = dict[str, Any]

OPERATIONS = frozenset(
    {
        "create-patient",
        "get-patient",
        "create-identity-session",
        "create-aal2-challenge",
        "start-network-query",
        "get-network-query",
        "start-consolidated-query",
        "get-settings",
    }
)
"""What the gateway can ask of the vendor; the rest of the ledger is browsers and downloads."""


@dataclass
class Vendor:
    """Reads and steers the double."""

    http: ClientSession
    url: str
    api_key: str

    async def calls(self, operation: str | None = None, patient_id: str | None = None) -> list[Any]:
        """The gateway's calls so far, of one operation and for one patient if asked."""
        ledger = await self._get("ledger")
        return [
            call
            for call in ledger
            if call["operation"] in OPERATIONS
            and operation in {None, call["operation"]}
            and (
                patient_id is None or patient_id in f"{call['path']} {call['query']} {call['body']}"
            )
        ]

    async def state(self) -> Fields:
        """Everything that the vendor stores, secrets included."""
        state: Fields = await self._get("state")
        return state

    async def webhooks(self, patient_id: str) -> list[Fields]:
        """The webhooks about one patient, with their deliveries."""
        rows: list[Fields] = (await self._get("webhooks"))["webhooks"]
        return [row for row in rows if patient_id in json.dumps(row["body"])]

    async def fault(self, operation: str, kind: str, **more: Any) -> None:
        """Make the next calls of an operation go wrong."""
        await self._post("faults", {"operation": operation, "kind": kind, **more})

    async def outcome(self, of: str, result: str, **more: Any) -> None:
        """Decide how the next background work of a kind ends."""
        await self._post("outcomes", {"of": of, "result": result, **more})

    async def delivered(self, patient_id: str, kind: str, *, within: float = 20.0) -> None:
        """Wait until a webhook of this type about the patient was answered 200."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            rows = await self.webhooks(patient_id)
            if any(
                delivery["status"] == HTTPStatus.OK
                for row in rows
                if row["type"] == kind
                for delivery in row["deliveries"]
            ):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"no {kind} within {within} s")

    async def mode(self, **mode: Any) -> None:
        """Switch loss and duplication of webhooks."""
        await self._post("webhooks/mode", mode)

    async def send_everything_again(self) -> int:
        """Deliver every webhook once more, byte for byte the same; how many were answered 200."""
        sent = await self._post("webhooks/duplicate", {})
        assert all(delivery["status"] == 200 for delivery in sent), sent
        return len(sent)

    async def emit(self, body: Fields) -> None:
        """Sign and send any body; it must be answered 200."""
        delivery = await self._post("webhooks/emit", {"body": body})
        assert delivery["status"] == 200, delivery

    async def end_session(self, session_id: str) -> None:
        """Make an AAL2 session dead at the vendor."""
        await self._post(f"aal2-sessions/{session_id}", {"status": "expired"})

    async def retry(self) -> None:
        """What the vendor offers its customers: send all failures again."""
        headers = {"x-api-key": self.api_key}
        async with self.http.post(f"{self.url}/settings/webhook/retry", headers=headers) as answer:
            assert answer.status == 200

    async def failures(self, patient_id: str, types: set[str], *, within: float = 10.0) -> None:
        """Wait until webhooks of these types about the patient could not be delivered."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            rows = await self.webhooks(patient_id)
            if types <= {row["type"] for row in rows if row["status"] == "failure"}:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"no failures of {types} within {within} s")

    async def reset(self) -> None:
        """Forget faults and outcomes that still wait, and deliver webhooks once."""
        async with self.http.delete(f"{self.url}/_sandbox/scripts") as answer:
            answer.raise_for_status()
        await self.mode(loss="none", duplicate=False)

    async def _get(self, path: str) -> Any:
        async with self.http.get(f"{self.url}/_sandbox/{path}") as answer:
            answer.raise_for_status()
            return await answer.json()

    async def _post(self, path: str, body: Fields) -> Any:
        async with self.http.post(f"{self.url}/_sandbox/{path}", json=body) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()
