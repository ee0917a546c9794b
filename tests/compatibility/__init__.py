"""What a release may rely on of the one before it, and the other way round.

What lives here
    ``releases``: the contract and the SQL of each release as they were; ``released`` reads and writes them; ``messages`` (does the contract
    of today break a reader or writer of then?), and tests of two versions that share a database.

What must not
    No document is edited by hand: ``python -m tests.compatibility freeze`` writes them, once a release.

Where data goes
    In: the documents of today, from ``schemas``, and those of then. Out: a line for each break.
"""
