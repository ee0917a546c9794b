"""The smallest question a Kafka broker can be asked, over one plain socket.

A client library would retry, log and need an event loop; to know whether a broker answers, one
request and one reply are enough. Version 1 of Metadata is understood by every broker there is.
"""

import socket
import struct

METADATA, VERSION = 3, 1
CORRELATION = 7_001


def answers_metadata(bootstrap_servers: str, *, within: float) -> bool:
    """Tell whether the first of the servers names at least one broker of its cluster in time."""
    host, _, port = bootstrap_servers.split(",", maxsplit=1)[0].strip().rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=within) as connection:
            connection.sendall(_framed(_question()))
            return _names_a_broker(_reply(connection))
    except (OSError, EOFError):
        return False


def _question() -> bytes:
    no_client_id, no_topics = -1, 0
    return struct.pack(">hhihi", METADATA, VERSION, CORRELATION, no_client_id, no_topics)


def _framed(message: bytes) -> bytes:
    return struct.pack(">i", len(message)) + message


def _reply(connection: socket.socket) -> bytes:
    (size,) = struct.unpack(">i", _exactly(connection, 4))
    return _exactly(connection, size)


def _exactly(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        piece = connection.recv(size - len(received))
        if not piece:
            raise EOFError("the broker closed the connection")
        received += piece
    return received


def _names_a_broker(reply: bytes) -> bool:
    correlation, brokers = struct.unpack_from(">ii", reply)
    return bool(correlation == CORRELATION and brokers > 0)
