"""The top floor: handlers of messages, and the processes that everything runs in.

What lives here
    ``reading`` (a record becomes an authentic, typed message or a rejection), ``processor`` (one record,
    one transaction), ``commands`` · ``webhooks`` · ``callbacks`` (one thin handler a kind of message:
    load, decide with ``service.ias``, store, outbox), ``routing`` (which handler for which type),
    ``processes`` (one composition root a role) and ``main`` (the command line). The tools of the person on
    call are packages of their own: ``doctor``, ``dead_letters``, ``replaying``, ``flow``, ``observing``,
    ``dispatching``, ``auditing``, ``webhook_setup``; ``command_line`` is what they share.

What must not
    No SQL and no rule: a handler that grows one hands it down to ``service.store`` or ``service.ias``.
    A handler talks to nobody but the transaction that it is given.

Where data goes
    Kafka → processor → handler → Postgres (state, inbox, outbox) → relay → Kafka.
"""
