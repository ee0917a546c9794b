"""``metriport-ias dead-letters``: what could not be acted on, for the person on call.

What lives here
    ``letters`` (dead letters read and opened, and the records that they were made of), ``tool`` (the
    command line).

What must not
    No content is printed as it is: by default the shape of a message (paths and types), with
    ``--content`` its ids, times and closed words (``masking``). Nothing is replayed from a letter's own
    bytes: the right to write to the topic is not trust, so the original record is taken, whose signature
    or MAC is verified again.

Where data goes
    ``ias.dead-letters.v1`` → stdout. Replay: the original's topic → ``consumers.replaying.again``.
"""
