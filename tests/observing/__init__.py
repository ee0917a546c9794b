"""First contact: the deployment against a vendor that is not the double of the local stack, and ``observe``.

The vendor is a double that runs by itself, as Metriport does: with an account, a key and an allow-list.
"""
