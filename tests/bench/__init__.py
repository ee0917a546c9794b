"""How fast the ingress takes webhooks and the consumers handle them, each beside others in one run.

What lives here
    ``ingress`` (the command behind ``make bench-ingress``), ``bodies`` (signed webhooks in a file),
    ``bare``, ``sample`` and ``least`` (those we are compared with), ``contenders`` (starting them),
    ``closed`` (a load generator that waits for answers: ``wrk``, or ours without it), ``paced`` (one
    that does not wait: a fixed rate), ``wire`` (HTTP/1.1 over raw sockets for the two of ours),
    ``frozen`` (answers while the broker stands still) and ``report``.

    ``consumers`` (the command behind ``make bench-consumers``), ``consumers_seed`` (people, queries
    and history) and ``consumers_load`` (their webhooks, and reading what was told).

    ``dispatch`` (the command behind ``make bench-dispatch``), ``dispatch_simulation`` (a backlog, the
    double, replicas and what happens to them), ``dispatch_replica`` (one of them, as a process) and
    ``dispatch_judge`` (what the double saw).

    ``e2e`` (the command behind ``make bench-e2e``) and ``e2e_load`` (its open loop, and the events).

What must not
    No figure without another of the same run beside it: machines differ and are noisy. No import of
    the service's code by a load generator, and no work of a generator in the process it measures.

Where data goes
    Bodies go to one file in a folder of the local stack; both generators read it and send the same
    bytes. Everything listens on 127.0.0.1 and is stopped by ``Stack``.
"""
