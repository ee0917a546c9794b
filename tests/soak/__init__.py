"""Long runs, each with a number to reach: what some minutes of tests cannot say.

What lives here
    A campaign a module, each a command of its own (``python -m tests.soak.bodies --help``), whose last
    line is one JSON object with what it counted and measured. ``goals`` has the numbers to reach, in one
    table; ``python -m tests.soak`` runs the campaigns one after another and ``report`` lays what they
    measured beside the goals.

What must not
    No goal inside a campaign: it says what it saw. No figure by hand. No second way of doing what the
    tests do: a campaign makes more of what they make, and judges it as they do.

Which way data goes
    Campaigns (on ``tests.fuzz``, ``tests.overload``, ``tests.cutting``, ``tests.chaos`` …) → one JSON line
    each → ``goals`` → ``.local/soak``; ``tests.chaos.publish`` and ``report`` write it into the repository.
"""
