"""Whole processes: one deployment, driven from outside over HTTP, Kafka and signals.

What lives here
    ``scene`` (an application, browsers and people of a test, each with demographics of its own),
    ``vendor`` (the double's control API), ``observed`` (what a stranger could read: topics, the
    database, logs), and the tests, one module a promise.

What must not
    The service's own code, but for the names of topics: what is tested is what a user meets.

All tests share one deployment. A test that stops a role starts it again; a test that needs other
settings restarts the role for itself alone.
"""
