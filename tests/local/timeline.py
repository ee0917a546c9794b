"""The story as it happens: time, who → whom, what, key fields. Plain text when not on a terminal."""

import os
import sys
import time
from datetime import UTC, datetime, timedelta

from tests.local.application import Fields, Told

WIDTH_WHO = 27
WIDTH_WHAT = 32
_COLOURS = {
    "time": "2",
    "who": "36",
    "what": "1",
    "good": "1;32",
    "sent": "1;33",
    "step": "1;35",
    "dim": "2",
}
_SHOWN = (
    "step",
    "waitingFor",
    "result",
    "kind",
    "purpose",
    "purposeOfUse",
    "matchedExisting",
    "source",
    "status",
    "early",
    "reason",
    "contentType",
    "noData",
    "sequence",
)


class Timeline:
    """Prints lines with the time since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._sent: dict[str, float] = {}
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def heading(self, text: str) -> None:
        """A step of the IAS guide begins."""
        print(f"\n{self._paint('step', text)}", flush=True)

    def line(self, who: str, what: str, details: str = "", style: str = "what") -> None:
        """One thing that happened."""
        stamp = self._paint("time", f"{self.elapsed:7.2f} s")
        print(
            f"{stamp}  {self._paint('who', who.ljust(WIDTH_WHO))} "
            f"{self._paint(style, what.ljust(WIDTH_WHAT))} {self._paint('dim', details)}".rstrip(),
            flush=True,
        )

    def sent(self, command: str, content: Fields) -> None:
        """The application sent a command."""
        self._sent[str(content["commandId"])] = time.monotonic()
        self.line("application → service", command, _fields(content), "sent")

    def told(self, told: Told) -> None:
        """An event or link reached the application."""
        if told.type == "ias.link.Issued":
            life = datetime.fromisoformat(told.content["expiresAt"]) - datetime.now(UTC)
            self.line("service → application", f"link {told.content['kind']}", _lives(life))
            return
        name = told.type.removeprefix("ias.event.")
        took = self._took(told.content.get("commandId"))
        self.line("service → application", name, f"{_fields(told.content)}  {took}", "good")

    def vendor(self, log_line: str) -> None:
        """A line of the double's log: what it received, or sent."""
        words = log_line.split()
        if len(words) < 4:
            return
        if (words[1] == "→" and "/medical/v1" in words[3]) or "/settings" in words[3]:
            rest = " ".join(word for word in words[5:] if not word.startswith("["))
            details = f"{words[4]} {rest}".strip()
            self.line("gateway → Metriport", f"{words[2]} {_short(words[3])}", details)
        elif words[1] == "⇒":
            details = " ".join(words[4:6] + [word for word in words[6:] if "purpose" in word])
            self.line("Metriport → ingress", _event(words[3]), details)

    def _took(self, command_id: object) -> str:
        """How long after its command an event came."""
        sent = self._sent.get(str(command_id))
        return "" if sent is None else f"+{time.monotonic() - sent:.2f} s"

    def _paint(self, name: str, text: str) -> str:
        return f"\x1b[{_COLOURS[name]}m{text}\x1b[0m" if self._colour else text


def _lives(life: timedelta) -> str:
    minutes = round(life.total_seconds() / 60)
    return f"lives {minutes} min" if minutes < 120 else f"lives {round(minutes / 60)} h"


def _event(webhook_type: str) -> str:
    return f"webhook {webhook_type.removeprefix('network-query.')}"


def _short(path: str) -> str:
    return path.removeprefix("/medical/v1").replace("/{id}", "")


def _fields(content: Fields) -> str:
    shown = [f"{name}={content[name]}" for name in _SHOWN if name in content]
    if isinstance(content.get("sources"), list):
        shown += [f"{source['source']}={source['status']}" for source in content["sources"]]
    return " ".join(shown).replace("True", "true").replace("False", "false")
