"""``make dashboard-picture``: a deployment under some traffic, its dashboard drawn as Grafana would.

A real Prometheus scrapes the processes and evaluates every panel's expressions, so what is painted is what
the dashboard shows. Needs ``prometheus`` on the PATH (Debian: the package of that name).
"""

import asyncio
import contextlib
import json
import random
import shutil
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml
from aiohttp import ClientSession

from tests.local.application import Application
from tests.local.deployment import ROLES, Deployment
from tests.local.journey import Journey
from tests.local.person import Person
from tests.processes.scene import somebody
from tests.stack.folders import make_folder, remove_folder
from tests.stack.lifetime import Stack
from tests.stack.ports import free_port
from tests.stack.processes import Supervised
from tests.telemetry.painting import Curve, paint
from tests.telemetry.rules import OBSERVABILITY, panels
from tests.telemetry.story import retrieve

PICTURE = OBSERVABILITY / "dashboard.png"
SECONDS = 150
FROZEN_SECONDS = 8
"""In the middle the broker does not answer: what the spool is for."""
PEOPLE = 6
WINDOW = "10s"
"""Instead of ``$__rate_interval``: four scrapes of two seconds fit into it."""


def start_prometheus(stack: Stack, deployment: Deployment, folder: Path) -> str:
    """A Prometheus of our own that scrapes the three processes; where it answers."""
    program = shutil.which("prometheus")
    if program is None:
        raise SystemExit("prometheus is not on the PATH (Debian: apt-get install prometheus)")
    ports = deployment.settings.internal_ports
    targets = [f"127.0.0.1:{ports[role]}" for role in ROLES]
    config = folder / "prometheus.yaml"
    scrape = {"job_name": "ias", "static_configs": [{"targets": targets}]}
    whole = {"global": {"scrape_interval": "2s"}, "scrape_configs": [scrape]}
    config.write_text(yaml.safe_dump(whole), encoding="utf-8")
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
    ]
    process = Supervised(
        "prometheus", command, env={}, log_path=folder / "prometheus.log", cwd=folder
    )
    stack.start(process)
    process.wait_ready(f"{url}/-/ready")
    return url


async def use(deployment: Deployment) -> None:
    """People come and go until the time is over; somebody forges webhooks, somebody sends nonsense."""
    settings = deployment.settings
    port = int(settings.return_url.split(":")[2].split("/")[0])
    async with (
        Application(settings.bootstrap_servers, port, settings.topic_prefix) as application,
        ClientSession() as http,
    ):
        work = [_people(application, number) for number in range(PEOPLE)]
        tasks = [asyncio.create_task(one) for one in (*work, _noise(application, http, settings))]
        await asyncio.sleep(SECONDS / 2)
        deployment.broker.freeze()
        await asyncio.sleep(FROZEN_SECONDS)
        deployment.broker.thaw()
        await asyncio.sleep(SECONDS / 2 - FROZEN_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _people(application: Application, number: int) -> None:
    for turn in range(10_000):
        async with Person(refresh_seconds=0.2) as person:
            who = f"picture-{number}-{turn}"
            walk = Journey(application, person, who, demographics=somebody())
            with contextlib.suppress(AssertionError):
                await retrieve(walk, pause=random.uniform(1, 6))


async def _noise(application: Application, http: ClientSession, settings: Any) -> None:
    while True:
        await asyncio.sleep(random.uniform(3, 8))
        async with http.post(f"{settings.public_url}/webhooks/metriport", data=b"{}") as answer:
            assert answer.status == 401
        if random.random() < 0.3:
            await application.send_raw("ias.command.RequestRecords", b"not json", b"nobody")


def curves(url: str, panel: dict[str, Any], start: float, end: float) -> list[Curve]:
    """What a panel draws, as Prometheus evaluates it."""
    found = []
    for target in panel["targets"]:
        expression = target["expr"].replace("$__rate_interval", WINDOW)
        query = {"query": expression, "start": start, "end": end, "step": 2}
        with urlopen(f"{url}/api/v1/query_range?{urlencode(query)}", timeout=30) as answer:  # noqa: S310 - our own
            result = json.load(answer)["data"]["result"]
        found += [Curve.of(target["legendFormat"], one, start) for one in result]
    return found


def main() -> int:
    """The command line; the exit code."""
    started, stack, folder = time.monotonic(), Stack(), make_folder("prometheus")
    wide = [f"--limit={name}=1000" for name in ("write-patient",)]
    deployment = Deployment(
        stack,
        return_port=free_port(),
        sandbox_options=["--step-seconds", "0.5", "--patient-limit", "1000", *wide],
    )
    with stack:
        deployment.start(lambda what: print(f"starting {what}", flush=True))
        url = start_prometheus(stack, deployment, folder)
        print(f"{SECONDS} s of traffic, {PEOPLE} people at a time", flush=True)
        begin = time.time()
        asyncio.run(use(deployment))
        end = time.time()
        drawn = [(panel, curves(url, panel, begin, end)) for panel in panels()]
    paint(drawn, PICTURE)
    deployment.remove_logs()
    remove_folder(folder)
    print(f"{PICTURE} painted after {time.monotonic() - started:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
