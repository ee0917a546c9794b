"""Free loopback ports, taken from below the range the kernel uses for outgoing connections.

A port from that range could be lost while its server is down for a restart: another connection
may take it as its local end, and a client that keeps retrying can even connect to itself.
"""

import contextlib
import secrets
import socket

LOOPBACK = "127.0.0.1"
LOWEST, HIGHEST = 15_000, 32_000  # ephemeral ports begin at 32768 on Linux, 49152 on macOS
ATTEMPTS = 200


def free_port() -> int:
    """Return one port that nobody listens on now."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return ``count`` different ports: all sockets are held open until the last one is found."""
    with contextlib.ExitStack() as held:
        ports: list[int] = []
        for _ in range(ATTEMPTS + count):
            if len(ports) == count:
                return ports
            port = LOWEST + secrets.randbelow(HIGHEST - LOWEST)
            candidate = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                candidate.bind((LOOPBACK, port))
                ports.append(port)
    raise OSError(f"no {count} free ports between {LOWEST} and {HIGHEST}")
