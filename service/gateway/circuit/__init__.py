"""The circuit breaker: while Metriport does not answer a class of calls, none is made but a trial.

What lives here
    ``rule`` (pure: what calls and probes make of a circuit, and whether one may call), ``circuits`` (asks
    the rule for every class, and probes).

What must not
    No operation, no pacing. A call that is held back stays due, with its place in the order.

Why
    A call that times out at a vendor in trouble helps nobody: a network query would end as *unknown*, and
    a person would watch a page that does not come. The circuits are rows that all replicas share, so an
    outage costs a handful of calls, not a handful a replica, and its end brings one trial, not a rush.
"""
