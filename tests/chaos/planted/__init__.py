"""Proof that the checker sees: the product is broken on purpose, one bug at a time, and must be caught.

What lives here: ``patching`` (a copy of the product with a few texts replaced), the bugs (``writing``,
``sending``, ``guarding``: what is replaced, which scenario provokes it, which invariant it breaks), the
scenarios (``plain``, ``people``, ``faults``), and ``stage`` (a small deployment that runs one of them).

Each scenario is run on the product as it is as well: there the checker must find nothing broken.
``python -m tests.chaos.planted`` runs all, ``make planted`` as well.
"""
