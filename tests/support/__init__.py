"""What tests with a real Postgres and a real broker share.

What lives here
    ``plugin`` (fixtures: a database of its own for every test, copied from one that was migrated
    once), ``settings`` (throw-away keys and settings), ``people`` (subjects, links, identities,
    sessions and queries, made through the store's own functions), ``outbox`` (what was told),
    ``records`` (Kafka records as they arrive, signed by code of the tests' own), ``waiting``.

What must not
    No assertion about the service: that is for the tests. Nothing here waits for a fixed time.
"""
