"""``metriport-ias topics``: what the cluster must hold and who may do what there.

What lives here
    The command line alone. The map and the table are in ``schemas``, what they mean to a cluster in
    ``service.bus``.

What must not
    No topic name and no right of its own.

Where data goes
    Out: topics to the cluster; ACLs and manifests to the output, for whoever may apply them.
"""
