"""What operators see: log lines and metrics, with nothing in them that belongs to a person.

What lives here
    ``logs`` sets structlog up and redacts, ``metrics`` names every metric in one place.

What must not
    No body, header, URL, token, name or id of the vendor's secrets. Exceptions are told by type and
    place, never by text: Postgres, msgspec and aiohttp put values into their texts.
"""
