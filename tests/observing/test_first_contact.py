"""`make up-vendor` sets up a strange account, and ``observe`` finds what differs there, told as shapes."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.local.application import Application
from tests.local.deployment import ROOT
from tests.local.journey import Journey
from tests.local.person import Person
from tests.local.vendor import MissingError, VendorDeployment, account
from tests.stack.lifetime import Stack
from tests.stack.ports import free_port, free_ports
from tests.stack.processes import Supervised

pytestmark = pytest.mark.process

KEY, FACILITY = "another-account-key", "0199a001-2b7c-7d10-8e55-0c1d2e3f4a5b"
Contact = Callable[..., "First"]


class First:
    """A deployment on its first day with an account."""

    def __init__(self, stack: Stack, folder: Path, *options: str) -> None:
        vendor_port, ingress_port = free_ports(2)
        self.vendor_url = f"http://127.0.0.1:{vendor_port}"
        public = f"http://127.0.0.1:{ingress_port}"
        command = [
            *(sys.executable, "-m", "tests.metriport_sandbox", "--allow-loopback", "--quiet"),
            *("--port", str(vendor_port), "--api-key", KEY, "--facility-id", FACILITY),
            *("--redirect-url", f"{public}/callbacks/identity"),
            *("--redirect-url", f"{public}/callbacks/aal2", "--step-seconds", "0.1"),
            *options,
        ]
        vendor = Supervised(
            "vendor",
            command,
            env={"PYTHONUNBUFFERED": "1"},
            log_path=folder / "vendor.log",
            cwd=ROOT,
        )
        stack.start(vendor).wait_ready(f"{self.vendor_url}/_sandbox/limits")
        self.port = free_port()
        given = {
            "METRIPORT_API_URL": self.vendor_url,
            "METRIPORT_API_KEY": KEY,
            "METRIPORT_FACILITY_ID": FACILITY,
            "PUBLIC_URL": public,
            "INGRESS_PORT": str(ingress_port),
        }
        self.deployment = VendorDeployment(stack, account(given), return_port=self.port)

    async def walk(self) -> None:
        """One person's whole retrieval."""
        servers = self.deployment.settings.bootstrap_servers
        async with (
            Application(servers, self.port) as application,
            Person(refresh_seconds=0.05) as person,
        ):
            journey = Journey(application, person, "first-member", patience=60.0)
            command = await journey.request_records()
            await journey.take_identity_step(command)
            await journey.take_challenge_step(command)
            await journey.records(command)

    def stored(self) -> Any:
        """Everything that the vendor stores, secrets included."""
        with urlopen(f"{self.vendor_url}/_sandbox/state") as answer:  # noqa: S310 - the double
            return json.load(answer)

    def kept(self) -> str:
        """Every line of every file of shapes."""
        files = (self.deployment.folder / "shapes").glob("*.jsonl")
        return "".join(path.read_text() for path in files)

    def observe(self, *arguments: str, piped: str = "") -> tuple[int, Any]:
        """What ``observe`` finds."""
        said, code = self.deployment.told_by("observe", "--json", *arguments, piped=piped)
        return code, json.loads(said)


def texts(stored: Any) -> Iterator[str]:
    """Every text of some length that the vendor stores: ids, links, names, tokens."""
    match stored:
        case str() if len(stored) > 12 and any(map(str.isdigit, stored)):
            yield stored
        case dict():
            yield from texts([*stored.items()])
        case list() | tuple():
            for one in stored:
                yield from texts(one)


@pytest.fixture
def contact(tmp_path: Path) -> Iterator[Contact]:
    """Starts a vendor with these options, and a deployment against it."""
    with Stack() as stack:
        started: list[First] = []

        def start(*options: str) -> First:
            first = First(stack, tmp_path, *options)
            started.append(first)
            first.deployment.start()
            return first

        yield start
    for first in started:
        first.deployment.remove_logs()


async def test_with_a_vendor_as_it_is_assumed_nothing_differs(contact: Contact) -> None:
    first = contact()
    await first.walk()
    code, told = first.observe()
    assert told["differences"] == []
    assert code == 0
    holds = {name for name, standing in told["assumptions"].items() if standing == "holds"}
    assert holds >= {"A01", "A02", "A03", "A04", "A05", "A06", "A07", "A10", "A11", "A13", "A14"}
    assert told["assumptions"]["A08"] == "not seen"
    assert {(one["origin"], one["name"]) for one in told["observed"]} >= {
        ("webhook", "ias.identity.verified"),
        ("redirect", "aal2"),
        ("answer", "start_network_query"),
    }


async def test_what_a_vendor_does_otherwise_is_found_and_told_without_a_value(
    contact: Contact,
) -> None:
    """I7: neither secrets nor what the messages say of the person are in files and report."""
    first = contact("--identity-webhook", "toplevel", "--identity-redirect-parameters")
    await first.walk()
    code, told = first.observe()
    assert code == 1
    found = {
        (one["assumption"], one["origin"], one["path"], one["found"]) for one in told["differences"]
    }
    assert found >= {
        ("A01", "webhook", "$.payload", "missing"),
        ("A01", "webhook", "$.proofedIdentityId", "text"),
        ("A02", "webhook", "$.patientId", "uuid"),
        ("A05", "redirect", "$.sessionId", "text"),
        ("A05", "redirect", "$.status", "text"),
    }
    assert {one["assumption"] for one in told["differences"]} == {"A01", "A02", "A03", "A05"}
    kept = first.kept()
    assert kept
    assert first.observe("--shapes", "-", piped=kept) == (code, told), "from other pods, as here"
    written = kept + json.dumps(told)
    values = {KEY, FACILITY, "Jane", "Smith", "1996-02-10", "Phoenix", "first-member", "http:"}
    values |= set(texts(first.stored()))
    assert [value for value in values if value in written] == []


def test_what_is_missing_is_said_all_at_once_with_where_to_get_it() -> None:
    with pytest.raises(MissingError) as raised:
        account({"PUBLIC_URL": "http://tunnel.example.com"})
    lines = str(raised.value).splitlines()
    assert [line.split()[0] for line in lines] == [
        "METRIPORT_API_KEY",
        "METRIPORT_FACILITY_ID",
        "PUBLIC_URL",
    ]
    assert "dashboard" in lines[0]
    assert "https" in lines[2]


def test_without_another_url_it_is_the_vendors_sandbox_and_nobody_is_replaced() -> None:
    given = {
        "METRIPORT_API_KEY": KEY,
        "METRIPORT_FACILITY_ID": FACILITY,
        "PUBLIC_URL": "https://tunnel.example.com/",
    }
    chosen = account(given)
    assert chosen.api_url == "https://api.sandbox.metriport.com"
    assert chosen.webhook_url == "https://tunnel.example.com/webhooks/metriport"
    assert chosen.replace is False
    assert KEY not in repr(chosen)
