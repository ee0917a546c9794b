"""The logs of a command, set up before anything else is done.

structlog renders, as long as nobody has configured it, a traceback with the values of every name in it: on the way to
Postgres that is the password. So no command may run a line before this, whatever it is for.
"""

import logging
from collections.abc import Mapping
from typing import Final

from service.settings.groups import Process
from service.settings.reader import Reader
from service.telemetry import logs

_FORMATS: Final = ("console", "json")
_LEVELS: Final = {
    "dispatch": "info",  # that calls go out again is worth a line
    "doctor": "error",  # what it finds is said once, on stdout
}


def configure(command: str, environ: Mapping[str, str], *, serves: bool) -> None:
    """Logs go to stderr: stdout is for what a tool prints. ``serves``: it runs until it is told to stop.

    A wrong setting counts as none here: a role refuses it when it loads all of them, and says so.
    """
    reader = Reader(environ)
    if serves:
        process = Process.read(reader)
        logs.configure(process.log_format, process.log_level)
        return
    log_format = reader.choice("LOG_FORMAT", "How log lines look.", _FORMATS, "console")
    logs.configure(log_format, _LEVELS.get(command, "warning"))
    logging.getLogger("aiokafka").setLevel(
        logging.CRITICAL
    )  # a tool says itself that Kafka is away
