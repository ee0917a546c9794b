"""``metriport-ias flow show``: everything about one command, patient or subject as a timeline.

What lives here
    ``timeline`` (steps put in order, and those of one command picked out: pure), ``tool`` (reads
    Postgres and the events' topic, prints).

What must not
    No secret and no demographic: states, ids, times and closed words alone are read and shown.

Where data goes
    Postgres, ``ias.events.v1``, ``metriport.webhooks.v1`` (headers only) → stdout.
"""
