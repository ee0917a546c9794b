"""Who a patient is, as Metriport's Create Patient demands it.

Source: ``@metriport/shared`` 0.37.0 (the published zod schema) and the Create Patient page. The
schema lets some impossible values through (``1996-02-30``); typed dates refuse them here, before a
call is spent.
"""

from datetime import date
from typing import Annotated, Literal

import msgspec

from .base import Message

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]


class Address(Message, frozen=True, kw_only=True):
    """A postal address in the USA; ``state`` is a two-letter code, territories included."""

    address_line1: Line = msgspec.field(name="addressLine1")
    city: Line
    state: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{2}$(?!\n)")]
    zip: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{5}$(?!\n)")]
    address_line2: Line | None = msgspec.field(name="addressLine2", default=None)
    country: Literal["USA"] = "USA"


class Contact(Message, frozen=True, kw_only=True):
    """A phone number, an email address, or both."""

    phone: Annotated[str, msgspec.Meta(min_length=10, max_length=30)] | None = None
    email: (
        Annotated[str, msgspec.Meta(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$(?!\n)")] | None
    ) = None


class Demographics(Message, frozen=True, kw_only=True):
    """The identifying facts of a person. Never logged, never on an event, sealed at rest."""

    first_name: Name
    last_name: Name
    dob: date
    gender_at_birth: Literal["M", "F", "O", "U"]
    address: Annotated[list[Address], msgspec.Meta(min_length=1, max_length=10)]
    contact: Annotated[list[Contact], msgspec.Meta(max_length=10)] | None = None
