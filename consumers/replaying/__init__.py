"""Records handled once more, from the topic where they still are: ``metriport-ias webhooks replay``.

What lives here
    ``again`` (one record through the normal path: verified, opened, deduplicated, handled in one
    transaction), ``tool`` (which webhooks, and how many of each outcome).

What must not
    No way around a check: a record is as authentic or not as it was the first time, and what the inbox
    knows changes nothing. Nothing is published to a topic that others read, nothing is put aside again.

Where data goes
    Kafka → ``consumers.acting`` → Postgres → the consumers' relay → Kafka.
"""
