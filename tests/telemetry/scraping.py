"""Metrics as whoever scrapes a process sees them."""

from collections.abc import Iterable, Mapping
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.local.deployment import ROLES, Deployment

Scraped = Mapping[str, tuple[Sample, ...]]
"""Samples by the name of their metric, as it is exported: counters with ``_total``."""


def scrape(deployment: Deployment, role: str) -> Scraped:
    """Every metric of one process."""
    port = deployment.settings.internal_ports[role]
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return parse(answer.read().decode())


def parse(text: str) -> Scraped:
    """Metrics of an exposition."""
    return {
        f"{family.name}_total" if family.type == "counter" else family.name: tuple(family.samples)
        for family in text_string_to_metric_families(text)
    }


def scrape_all(deployment: Deployment) -> Mapping[str, Scraped]:
    """Every metric of every role."""
    return {role: scrape(deployment, role) for role in ROLES}


def values(samples: Iterable[Sample], **labels: str) -> list[float]:
    """The values of the samples that have these labels; of a histogram its count."""
    return [
        one.value
        for one in samples
        if not one.name.endswith(("_created", "_bucket", "_sum"))
        and labels.items() <= one.labels.items()
    ]
