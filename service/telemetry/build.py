"""What runs, as a metric: the version of the package and of Python, one series for each role."""

import platform
from collections.abc import Iterable
from importlib.metadata import version

from service.telemetry import metrics

PACKAGE = "metriport-ias-gateway"


def describe_build(roles: Iterable[str]) -> None:
    """Say what this process is."""
    for role in roles:
        metrics.BUILD.labels(version(PACKAGE), platform.python_version(), role).set(1)
