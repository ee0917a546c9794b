"""``make trace``: the story of ``make run`` with traces on, then the tree of spans of each flow."""

import asyncio
import sys
from collections import defaultdict
from collections.abc import Iterator

from tests.local.application import Application
from tests.local.deployment import Deployment
from tests.local.journey import Journey
from tests.local.person import Person
from tests.stack.lifetime import Stack
from tests.stack.ports import free_port
from tests.telemetry.collector import Collector, Seen, collecting
from tests.telemetry.story import retrieve

SUBJECT = "jane-at-example-app"


def settings_of(collector: Collector) -> dict[str, str]:
    """What turns traces on."""
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}


async def tell_the_story(deployment: Deployment, subject: str = SUBJECT) -> None:
    """One person's complete retrieval, with one command."""
    settings = deployment.settings
    port = int(settings.return_url.split(":")[2].split("/")[0])
    async with (
        Application(settings.bootstrap_servers, port, settings.topic_prefix) as application,
        Person(refresh_seconds=0.1) as person,
    ):
        walk = Journey(application, person, subject, patience=60.0)
        await retrieve(walk)


def trees(spans: list[Seen]) -> Iterator[str]:
    """Every trace, in the order in which they began; a line a span, indented below its parent."""
    traces: defaultdict[str, list[Seen]] = defaultdict(list)
    for span in sorted(spans, key=lambda one: one.start):
        traces[span.trace_id].append(span)
    for trace_id, own in traces.items():
        yield f"\ntrace {trace_id}, {len(own)} spans"
        known = {span.span_id for span in own}
        children: defaultdict[str, list[Seen]] = defaultdict(list)
        for span in own:
            children[span.parent_id if span.parent_id in known else ""].append(span)
        yield from _below(children, "", own[0].start, depth=1)


def _below(children: dict[str, list[Seen]], parent: str, begin: int, depth: int) -> Iterator[str]:
    for span in children.get(parent, ()):
        at, took = (span.start - begin) / 1e6, (span.end - span.start) / 1e6
        said = " ".join(f"{name}={value}" for name, value in sorted(span.attributes.items()))
        role = span.service.removeprefix("metriport-ias-")
        name = f"{'  ' * depth}{span.name}"
        yield f"{at:9.1f} ms {took:8.1f} ms  {role:9} {name:48} {said}".rstrip()
        yield from _below(children, span.span_id, begin, depth + 1)


def main() -> int:
    """The command line; the exit code."""
    stack = Stack()
    with collecting() as collector:
        deployment = Deployment(stack, return_port=free_port(), more=settings_of(collector))
        with stack:
            deployment.start(lambda what: print(f"starting {what}", flush=True))
            asyncio.run(tell_the_story(deployment))
        deployment.remove_logs()
    print("\n".join(trees(collector.spans)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
