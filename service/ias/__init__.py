"""The rules of Individual Access, as pure functions on values.

What lives here
    Who may start what (``purpose``, ``entitlement``), how a proofed identity is bound
    (``identity``), when an AAL2 session may be used (``aal2``), how a network query advances
    (``network_query``), what a consolidated query delivers (``consolidated``), where a browser may be
    sent (``return_url``).

What must not
    No I/O, no clock (time is an argument), no settings object, no database row. A rule takes values
    and returns a value; whoever called it reads, writes and sends.

Where data goes
    ``consumers`` and ``service.gateway`` load values through ``service.store``, ask here, and store
    what they are told.
"""
