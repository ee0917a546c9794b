"""``python -m tests.local run``: the whole retrieval, once. ``up``: the stack left running.

``vendor``: the stack left running against Metriport itself, with the account that the environment names.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from pathlib import Path

from tests.local.application import Application
from tests.local.deployment import Deployment
from tests.local.journey import Journey, resource_types
from tests.local.person import Page, Person
from tests.local.timeline import Timeline
from tests.local.vendor import MissingError, VendorDeployment, account
from tests.stack.lifetime import Stack
from tests.stack.ports import free_port
from tests.stack.signals import Interrupted

SUBJECT = "jane-at-example-app"


class Human:
    """Takes the hosted steps in a real browser: the application's page is printed, and we wait."""

    def __init__(self, page: str) -> None:
        self._page = page

    async def prove_identity(self, link: str) -> None:
        """Print where the link is shown, and the link."""
        print(
            f"\n  Open the application's page in a browser and prove who you are:\n\n    {self._page}\n"
            f"\n  It shows this link:\n\n    {link}\n",
            flush=True,
        )

    async def answer_challenge(self, link: str) -> None:
        """Print the link, which the page shows now."""
        print(
            "\n  Open it again, in the same browser. The code comes from an authenticator app (or any TOTP"
            f"\n  tool) with the secret that the proofing page showed. The link:\n\n    {link}\n",
            flush=True,
        )


class Walking(Person):
    """The walking person, with the story told."""

    def __init__(self, timeline: Timeline) -> None:
        super().__init__()
        self._timeline = timeline

    async def prove_identity(self, link: str) -> Page:
        """Walk the proofing page."""
        self._timeline.line("person → ingress", "opens the link", "GET /go, presses the button")
        page = await super().prove_identity(link)
        self._timeline.line("person → Metriport", "proves who they are", "hosted page (IAL2)")
        return page

    async def answer_challenge(self, link: str) -> Page:
        """Walk the challenge page."""
        self._timeline.line("person → ingress", "opens the link", "GET /go, presses the button")
        page = await super().answer_challenge(link)
        self._timeline.line("person → Metriport", "enters a TOTP code", "hosted page (AAL2)")
        self._timeline.line("person → application", "is back with a one-time code")
        return page


async def follow(log: Path, tell: Callable[[str], None]) -> None:
    """Tell every line of a growing log, until cancelled."""
    with log.open(encoding="utf-8") as lines:
        while True:
            line = lines.readline()
            if line.endswith("\n"):
                tell(line)
            else:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def following(log: Path, tell: Callable[[str], None]) -> AsyncIterator[None]:
    """Follow a log for the life of the context."""
    task = asyncio.create_task(follow(log, tell))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def journey(application: Application, timeline: Timeline, browser: "Human | Walking") -> None:
    """One command, the person's two steps, and the record; told."""
    patience = 3600.0 if isinstance(browser, Human) else 30.0
    person = Journey(application, browser, SUBJECT, patience=patience)
    timeline.heading("1  The application asks for a person's records: one command")
    command = await person.request_records()
    timeline.heading("2  The person proves who they are (NIST IAL2)")
    await person.take_identity_step(command)
    timeline.heading("3  The person answers a multifactor challenge (NIST AAL2)")
    await person.take_challenge_step(command)
    timeline.heading("4  The networks are queried for individual access, and the record comes")
    bundle = await person.records(command)
    counts = resource_types(bundle)
    timeline.line(
        "application ← data link", "downloads the FHIR bundle", f"{counts.total()} resources"
    )
    for name, number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        print(f"{'':41}{number:4} {name}", flush=True)


async def drive(deployment: Deployment, timeline: Timeline, *, by_hand: bool) -> None:
    """Run the journey against a started deployment."""
    settings = deployment.settings
    port = int(settings.return_url.split(":")[2].split("/")[0])
    async with (
        Application(
            settings.bootstrap_servers,
            port,
            settings.topic_prefix,
            on_told=timeline.told,
            on_sent=timeline.sent,
        ) as application,
        following(deployment.sandbox_log, timeline.vendor)
        if deployment.sandbox_log.exists()
        else nullcontext(),
    ):
        if by_hand:
            await journey(application, timeline, Human(application.member_url(SUBJECT)))
            print("\n  The stack is still running; Ctrl-C stops it.", flush=True)
            await asyncio.Event().wait()
        else:
            async with Walking(timeline) as person:
                await journey(application, timeline, person)


def main() -> int:
    """The command line; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.local", description=__doc__)
    parser.add_argument("action", choices=("run", "up", "vendor"))
    action = parser.parse_args().action
    timeline, stack = Timeline(), Stack()
    try:
        deployment = deployment_for(action, stack)
    except MissingError as error:
        print(f"{error}\nNothing was started. README.md says more.", file=sys.stderr, flush=True)
        return 2
    try:
        with stack:
            timeline.heading("Starting a whole deployment on this machine")
            deployment.start(lambda what: timeline.line("stack", "starts", what))
            describe(deployment)
            try:
                asyncio.run(drive(deployment, timeline, by_hand=action != "run"))
            finally:
                if isinstance(deployment, VendorDeployment):
                    print(deployment.told_by("observe")[0], flush=True)
        deployment.remove_logs()
    except Interrupted as error:
        print("\nStopped; no process is left.", flush=True)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - told to a person, with where to look
        print(f"\nFailed: {error}\nLogs: {deployment.folder}", file=sys.stderr, flush=True)
        return 1
    print(f"\nDone in {timeline.elapsed:.1f} s. Everything is stopped.", flush=True)
    return 0


def deployment_for(action: str, stack: Stack) -> Deployment:
    """What is to be started.

    Raises:
        MissingError: the environment does not name an account.
    """
    if action == "vendor":
        return VendorDeployment(stack, account(), return_port=free_port())
    return Deployment(stack, return_port=free_port())


def describe(deployment: Deployment) -> None:
    """Where everything listens."""
    settings = deployment.settings
    if isinstance(deployment, VendorDeployment):
        print(f"\n{deployment.told_by('doctor', '--capabilities')[0]}", flush=True)
    vendor = "Metriport" if isinstance(deployment, VendorDeployment) else "Metriport double"
    internal = ", ".join(f"{role} :{port}" for role, port in settings.internal_ports.items())
    print(
        f"\n  ingress            {settings.public_url}"
        f"\n  {vendor:<18} {settings.sandbox_url}"
        f"\n  Kafka              {settings.bootstrap_servers}"
        f"\n  probes, metrics    127.0.0.1 {internal}"
        f"\n  logs               {deployment.folder}",
        flush=True,
    )


sys.exit(main())
