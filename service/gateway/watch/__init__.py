"""Asks the vendor how its queries stand, where news may never come by themselves.

What lives here
    ``spacing`` (pure: when to ask next), ``watcher`` (puts what runs under watch: one due call in
    ``vendor_call``), and the operations that the dispatcher makes of those calls: ``network_query``,
    ``consolidated_query``; ``confirming`` (a request that may be a query of ours with unknown outcome).

What must not
    No call of its own. A look is a call like any other: claimed once, paced, held back while dispatch
    is stopped, taken up again when its replica died.

Why
    A source that failed may send no webhook (vendor's code, ``update-datasource-query-status``). What a
    look shows goes through the same rules as a webhook's news, so whichever comes second changes
    nothing. Identity sessions and challenges cannot be asked about: nothing at the vendor reads them;
    they end by their lifetimes (``consumers.sweeper``).
"""
