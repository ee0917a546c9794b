"""Panels as a picture: one small plot each, three beside each other, as the dashboard lays them out."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_COLUMNS: Final = 3
_MOST_NAMED: Final = 7
_UNITS: Final = {"reqps": "per second", "s": "seconds", "bytes": "bytes", "short": ""}


class Curve(NamedTuple):
    """One line of a panel."""

    name: str
    seconds: list[float]
    values: list[float]

    @classmethod
    def of(cls, legend: str, found: dict[str, Any], start: float) -> Self:
        """A series as Prometheus answers it, named as the panel's legend says."""
        labels = found["metric"]
        name = re.sub(r"\{\{(\w+)\}\}", lambda one: labels.get(one[1], ""), legend)
        points = [(float(at) - start, float(value)) for at, value in found["values"]]
        kept = [point for point in points if math.isfinite(point[1])]
        return cls(name, [at for at, _ in kept], [value for _, value in kept])


def paint(drawn: Sequence[tuple[dict[str, Any], list[Curve]]], to: Path) -> None:
    """Paint every panel."""
    mpl.use("Agg")
    rows = math.ceil(len(drawn) / _COLUMNS)
    figure = Figure(figsize=(18, 3.1 * rows), dpi=75, layout="constrained")
    axes = figure.subplots(rows, _COLUMNS, squeeze=False).flat
    for place, (panel, curves) in zip(axes, drawn, strict=False):
        _panel(place, panel, curves)
    for place in list(axes)[len(drawn) :]:
        place.set_axis_off()
    figure.savefig(to)


def _panel(place: Axes, panel: dict[str, Any], curves: list[Curve]) -> None:
    for curve in sorted(curves, key=lambda one: -max(one.values, default=0)):
        place.plot(curve.seconds, curve.values, linewidth=1.2, label=curve.name)
    place.set_title(panel["title"], fontsize=10, loc="left", fontweight="bold")
    place.set_ylabel(_UNITS[panel["fieldConfig"]["defaults"]["unit"]], fontsize=8)
    place.tick_params(labelsize=7)
    place.grid(alpha=0.25)
    place.set_ylim(bottom=min(0.0, place.get_ylim()[0]))
    if curves:
        handles, names = place.get_legend_handles_labels()
        place.legend(handles[:_MOST_NAMED], names[:_MOST_NAMED], fontsize=6.5, loc="upper left")
