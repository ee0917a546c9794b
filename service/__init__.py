"""The service: rules, state, and the three edges (browser and webhooks, Kafka, Metriport's API).

Floors, from the ground; a floor imports only those below it:

    settings · telemetry · crypto     what everything stands on; ``ending``: how tasks are ended
    assumed                           what is assumed of the vendor, and the shapes that show it
    ias                               the rules, pure functions on values
    store                             Postgres: SQL in the open, on the caller's connection
    bus · gateway                     Kafka · everything that talks to Metriport's HTTP API
    ingress                           the aiohttp application
    testing                           a double of the service for other teams; only tests import it

What must not live here: handlers of messages and the processes themselves; those are the top floor,
``consumers``. Data comes in through ``ingress`` and ``bus``, is decided in ``ias``, kept in ``store``,
and leaves through ``gateway`` and the outbox relay in ``bus``.
"""
