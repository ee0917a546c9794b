"""Breaks a whole deployment on purpose, under traffic, and says what became of every promise.

What lives here
    ``deployment`` (five processes, three brokers, a proxy on every edge), ``proxy``, ``traffic`` (flows of
    people from registration to record), ``desk`` (the application, which survives what we break),
    ``canary`` and ``probe`` (how well the service is right now), ``kills``, ``crashing`` (named crash
    points, put around the product from outside), ``faults``, ``schedule`` (what is done when, from one
    seed), ``quiescence``, ``attribution`` (during which act a case began), ``figures``, ``report``,
    ``picture``, and ``python -m tests.chaos``; ``publish`` writes a report into the repository.

    ``evidence`` (what can be seen from outside when a run is over), ``checker`` (judges it and shares no
    code with the product) and ``planted`` (proves that the checker sees, by breaking the product).

What must not
    No trigger in the product: it does not know that it is broken. No figure by hand: the report is
    written from what was measured, and says on which commit.

Which way data goes
    ``schedule`` → ``faults``, ``kills`` → the deployment; meanwhile ``traffic`` and ``probe`` write down
    what they sent and saw; at the end ``evidence`` and ``checker`` (their own package) judge all of it.
"""
