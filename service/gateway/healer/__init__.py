"""Has the vendor send webhooks again that failed.

What lives here
    ``rule`` (pure: what follows from what is known and what the vendor answered), ``healer`` (the loop:
    takes the turn, looks, writes down what follows, asks).

What must not
    No transaction open during a call. No re-send while an ingress is not well, or while the vendor is
    sending: it would make more failures, or none of the wanted.

Why
    The vendor sends each webhook once and counts what failed; it sends failures again only when asked,
    all of them, with no limit of age (its docs and code). What is sent again is deduplicated like any
    webhook, so asking too often costs calls and nothing else.
"""
