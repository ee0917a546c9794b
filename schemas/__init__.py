"""The contract: every message, vendor payload and topic as a value, and nothing that acts.

What lives here
    The commands, events, links, record requests, callbacks and dead letters of the Kafka topics;
    the webhooks and API bodies of Metriport as far as we read them; the ids as their own types;
    the closed list of reasons; the topic map, and who may do what there; CloudEvents headers.
    ``schemas.generate`` writes AsyncAPI, OpenAPI and JSON Schema files from these types, so a
    document cannot drift from code.

What must not
    No I/O, no clock, no settings, no import from the rest of the project: only ``msgspec`` and
    relative imports, so that the package can be published alone for other services to use.

Where data goes
    Bytes come in from Kafka or HTTP, a ``Struct`` goes out to the rules, and back.
"""
