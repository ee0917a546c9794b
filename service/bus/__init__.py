"""Kafka: what goes out, what comes in, and the outbox relay between Postgres and the broker.

What lives here
    ``connection`` (how to reach the brokers), ``publisher`` (a producer that is replaced when it
    breaks), ``received`` (one record as it came), ``subscription`` (the consumer loop: offsets are committed after the work, explicitly),
    ``relay`` (outbox rows to topics, at least once, in order per subject), ``topics`` (the topic map
    applied to a cluster), ``acls`` and ``strimzi`` (map and rights as Kafka and the operator want them),
    ``facts`` (how its topics really are) and ``reading`` (a topic from some time to its present end, for tools).

What must not
    No handler and no rule. Nothing here opens a sealed message.

Where data goes
    In: records → ``consumers``. Out: ingress → ``publisher``; outbox rows → ``relay`` → topics.
    Idempotent producing stays off on purpose: it can hang a send for ever, and every reader of ours
    dedupes by id.
"""
