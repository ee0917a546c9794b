"""``metriport-ias doctor``: is everything as it has to be, and if not, what to do.

What lives here
    ``finding`` (one check's verdict), ``environment`` · ``kafka`` · ``postgres`` · ``vendor`` ·
    ``capabilities`` (what is looked at, and what follows from it: pure functions over facts, with one
    that fetches them), ``tool`` (the command line).

What must not
    Nothing is changed, anywhere: topics and tables are read, and Metriport is asked with GETs alone.
    Two calls have to be asked for by name: ``--ping`` (sets the webhook's URL to what it is) and
    ``--knock`` (a call that is refused for having no patient). No network query is ever started.

Where data goes
    Kafka, Postgres, Metriport, the ingress → facts → findings → stdout. No finding holds a secret or
    anything about a person.
"""
