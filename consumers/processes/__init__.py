"""One composition root a role: here the object graph of a process is built, and nowhere else.

Each role is an async context manager that yields a ``Running``: the tasks that must stay alive, what its
readiness is made of, and how to drain it. ``lifecycle`` runs any set of roles in one process.
"""
