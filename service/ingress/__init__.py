"""The aiohttp application: Metriport's webhooks and people's browsers come in here.

What lives here
    ``webhook`` (verify, classify, make durable, answer), ``peek`` (type, ids and key of a body,
    without decoding all of it), ``records`` (a webhook or callback as a sealed Kafka record),
    ``links`` (``/go/…``), ``returns`` (``/callbacks/…``), ``cookies``, ``pages`` and ``headers``.

What must not
    Never ``service.gateway``. No key that opens anything sealed, no vendor API key. No path, query
    string, token or body in a log. No answer 200 to a webhook that is not durable.

Where data goes
    HTTP → ``bus.publisher`` → Kafka. The one thing that is read back is ``hosted_page``: whether the
    vendor's page for a click is ready.
"""
