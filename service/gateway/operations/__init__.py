"""One module for each kind of call: ``prepare`` before it, ``record`` after it.

``prepare`` runs in the transaction that marks the intent: it checks again that the call may be made,
loads what the call needs and returns the request, or says that the call has to wait or is void.
``record`` runs in a transaction of its own after the call and writes what the outcome means: state,
events, links. Both have the subject's row locked. What all operations share is in ``common``.
"""
