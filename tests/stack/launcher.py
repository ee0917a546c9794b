"""Become another program, after tying our life to the parent's. Run as a script, never imported.

``python -I -S launcher.py '{"parent": 1, "death_signal": 9, ...}' program argument...``

A script of its own rather than ``preexec_fn``: code between fork and exec can deadlock when the
parent has threads, and Python 3.12 warns about it. It also drops root's rights here, after Python
has started, since the other user may not be able to run root's Python.
"""

import ctypes
import json
import os
import signal
import sys
from typing import Any

PR_SET_PDEATHSIG = 1


def main(terms: dict[str, Any], command: list[str]) -> None:
    """Apply the terms in the only order that works, then replace this process."""
    if terms["uid"] is not None:
        os.setgroups([])
        os.setgid(terms["gid"])
        os.setuid(terms["uid"])
    if sys.platform == "linux":
        # After setuid, which forgets the wish. Nothing of the kind on macOS: there the parent's
        # own clean-up has to do.
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, terms["death_signal"])
    if os.getppid() != terms["parent"]:
        sys.exit("the parent was gone before the child began")
    _forget_inherited_signals()
    environment = {name: os.environ[name] for name in terms["environment"]}
    os.execve(command[0], command, environment)  # noqa: S606 - that is the purpose


def _forget_inherited_signals() -> None:
    # A shell's background job ignores SIGINT and SIGQUIT; ``nohup`` ignores SIGHUP. We send them.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2:])
