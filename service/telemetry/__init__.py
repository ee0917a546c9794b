"""What operators see: log lines and metrics, with nothing in them that belongs to a person.

What lives here
    ``logs`` sets structlog up and redacts, ``metrics`` names every metric in one place,
    ``shapes`` keeps paths and types of what the vendor answers, where that is switched on.

What must not
    No body, header, URL, token, name or id of the vendor's secrets. Exceptions are told by type and
    place, never by text: Postgres, msgspec and aiohttp put values into their texts.
"""
