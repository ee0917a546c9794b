"""The run as a picture: what was told, how webhooks were answered, and how long each fault was felt."""

import importlib
from pathlib import Path
from typing import Any, Final

from tests.chaos.attribution import Share
from tests.chaos.checker import Kind
from tests.chaos.figures import shares
from tests.chaos.run import Result
from tests.chaos.world import Happening

_RED, _PALE, _GREEN, _BLUE = "#c0392b", "#e59866", "#3a7d44", "#4878a8"
_PROMISED_SECONDS: Final = 3.5
_MOST_NAMED: Final = 150
"""More names than that are a black bar."""


def draw(result: Result, path: Path) -> None:
    """Three strips over the same seconds, with the faults as bands."""
    matplotlib = importlib.import_module("matplotlib")  # slow to import, and only needed here
    matplotlib.use("Agg")
    plots = importlib.import_module("matplotlib.pyplot")
    figure, (told, answered, well) = plots.subplots(3, 1, figsize=(16, 11), sharex=True)
    zero = result.began
    names = len(result.world.happenings) <= _MOST_NAMED
    moments = [at - zero for at in result.world.desk.told_at]
    told.hist(moments, bins=max(1, int(result.ended - zero)), color=_BLUE)
    told.set_ylabel("events and links told, a second")
    _answers(result, answered)
    _recoveries(result, well)
    for one in result.world.happenings:
        for axes in (told, answered, well):
            axes.axvspan(one.began - zero, one.ended - zero, color=_RED, alpha=0.25)
            until = one.ended + (one.recovery or 0.0)
            axes.axvspan(one.ended - zero, until - zero, color=_PALE, alpha=0.15)
        if not names:
            continue
        top = told.get_ylim()[1]
        told.text(one.began - zero, top, one.name, rotation=90, fontsize=5, va="top")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plots.close(figure)


def _answers(result: Result, axes: Any) -> None:
    """Each probe at its moment, as high as it took."""
    good = [one for one in result.world.probe.answers if one.status == 200]
    bad = [one for one in result.world.probe.answers if one.status != 200]
    for answers, colour, name in ((good, _GREEN, "200"), (bad, _RED, "not 200")):
        at = [one.at - result.began for one in answers]
        axes.scatter(at, [one.seconds for one in answers], s=4, color=colour, label=name)
    axes.axhline(_PROMISED_SECONDS, color="grey", linewidth=0.5)
    axes.set_ylabel("webhook answered after, s")
    axes.legend(loc="upper right")


def _recoveries(result: Result, axes: Any) -> None:
    """A bar for each act: seconds from its end to normal, and what was found of what began meanwhile."""
    for one, share in zip(result.world.happenings, shares(result).acts, strict=True):
        at = one.ended - result.began
        is_bad = one.recovery is None or share.found.total() > 0
        axes.bar(at, one.recovery or 0.0, width=1.0, color=_RED if is_bad else _GREEN)
        if len(result.world.happenings) > _MOST_NAMED and not is_bad:
            continue
        text = _said(one, share)
        axes.text(at, one.recovery or 0.0, text, rotation=90, fontsize=5, va="bottom", ha="center")
    axes.margins(y=0.4)
    axes.set_ylabel("well again after, s")
    axes.set_xlabel("seconds of the run; red: a fault, pale: until well again; l/w/d: found of it")


def _said(one: Happening, share: Share) -> str:
    seconds = "not well" if one.recovery is None else f"{one.recovery:.1f}"
    found = "/".join(str(share.found[kind]) for kind in Kind)
    return f" {one.name} {seconds}" + (f"  {found}" if share.found.total() else "")
