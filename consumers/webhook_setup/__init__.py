"""``metriport-ias webhook``: the account's one webhook URL, and the key that Metriport signs with.

An account has one URL for everything, so it may serve somebody else's integration already. The vendor
makes the key with the first URL and uses it at once.
"""
