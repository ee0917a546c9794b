"""What is assumed of the vendor where it documents nothing, and how an assumption is held against what comes.

What lives here
    ``table`` (every assumption with its id), ``expected`` (the shapes that they come to), ``shapes``
    (JSON to its shape, made of closed lists of words alone), ``words`` (those lists), ``comparing``
    (a shape beside what was expected), ``markdown`` (the table for the documents).

What must not
    No value of a message: a shape is paths and types. No I/O, no clock. No rule is decided here.

Where data goes
    Raw webhooks, answers, names of redirect parameters → ``shapes`` → files (``service.telemetry.shapes``)
    and ``metriport-ias observe``.
"""
