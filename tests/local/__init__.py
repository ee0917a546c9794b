"""A whole deployment on this machine: real processes, real Postgres, a real broker, and the double.

What lives here
    ``deployment`` (starts and stops everything), ``settings`` (throw-away keys and environments),
    ``application`` (an application that uses the service: Kafka, and the page people return to),
    ``person`` (walks hosted pages over HTTP as a browser would), ``journey`` (one person's complete
    retrieval), ``timeline`` (tells it), and ``python -m tests.local run | up``.

What must not
    The service's own code: the deployment is driven only from outside, by HTTP, Kafka and processes.
    (Sealing keys are made by ``metriport-ias keys``.)

Used by ``make run``, ``make up`` and the tests of whole processes.
"""
