"""The dispatch of a network query as a small state model, checked exhaustively (I3, I4).

``explorer`` walks through every state that any sequence of steps can reach; ``walking`` goes at random
through what is too large for that. ``dispatch`` is the protocol, put together from ``replica`` (claim,
call, record, lease), ``doubt`` (proof, re-send, deadline) and ``wire`` (what the network and the vendor may
do); ``steps`` holds what a query does on hearing something. None of them imports the product: a test
compares the steps with the product's own table. ``invariants`` says what must never be, ``breakages``
breaks the protocol on purpose, one rule at a time.

What the model leaves out: sessions and revocation (their steps make no second call possible: the vendor
said no, or nothing was sent), pacing, the circuit breaker, and queries of the patient that others started.
It assumes, as the product does, that no committed transaction is lost, that a refusal and a 429 say the
truth, and that a connection that never stood carried nothing.

Time is a set of steps that may come at any moment: a lease runs out, a deadline passes. One assumption
joins them, and ``Setup.prompt`` says whether it holds: *no process stands still between its look at the
clock and its first byte for as long as what is then left of its lease*. Nobody can rule that out from
within the process; without it, a stale call can be made, and I3 holds all the same.
"""
