"""Everything that talks to Metriport's HTTP API.

What lives here
    ``protocol`` (pure: a call becomes a request, an answer becomes an outcome; it alone knows paths,
    headers, ``purposeOfUse`` and error shapes), ``client`` (a thin aiohttp shell), ``pacing`` (how
    many calls of one kind), ``dispatcher`` (claims calls, marks the intent, calls, records), and
    ``operations`` (for each kind of call: what to check and load before, what to write after).

What must not
    No Kafka and no handler of messages. No transaction is open while a call is under way. No body,
    header or URL of a call reaches a log or an exception.

Where data goes
    ``vendor_call`` rows in Postgres → request → Metriport → outcome → rows and outbox.
"""
