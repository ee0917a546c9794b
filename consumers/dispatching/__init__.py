"""``metriport-ias dispatch``: whether calls to Metriport go out, for operators.

What lives here
    ``tool`` (the command line), ``report`` (how things stand, as text and as JSON).

What must not
    No rule of its own: what is safe is decided in ``service.gateway.failover``.
"""
