"""A restored or failed-over database is noticed, and no call goes out until somebody has made it safe.

What lives here
    ``rule`` (pure: what to think of the database that answers), ``lineage`` (looks, remembers, stops or
    trusts), ``resuming`` (makes calls that may have been made before safe, and lets calls out again).

What must not
    No operation and no protocol: nothing here talks to the vendor.

Why
    That a network query is sent at most once (I3) is held by its intent, which is committed before the call.
    An asynchronous standby, or a backup, may lack the newest commits. If an intent is among them, the query
    is due again here, while Metriport has accepted it and runs it: it would be sent twice, and the HIE part
    of the second would be skipped.

How it is noticed
    By *identity*: one row names the cluster and the timeline from which calls go out, and a call is claimed
    only in that cluster, on whichever connection (``calls.LOCK_DUE``). A promoted standby, a backup that was
    restored from an archive, a logical copy and an upgraded cluster have another one.
    By *beats*: a number that grows with every intent and every few seconds. A replica that has seen a later
    one than the database holds has proof that commits are gone, also where a snapshot of the files was
    put back, which keeps its identity. This is proof in one direction only.
    What nobody remembers, because every replica was started anew, cannot be noticed here: then an operator
    says it (``metriport-ias dispatch pause --restored``), as the runbook in ``deploy/README.md`` does.
"""
