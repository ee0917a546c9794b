"""Places where no connection ever stands."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager


@contextmanager
def held_port() -> Iterator[int]:
    """A port on which nobody listens, and nobody else can: every connection is refused."""
    with closing(socket.socket()) as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@contextmanager
def full_queue() -> Iterator[int]:
    """A port where nobody accepts, and the queue is full: no connection is refused, and none stands."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        with closing(socket.create_connection(address)):
            yield address[1]
