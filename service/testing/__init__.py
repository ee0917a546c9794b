"""A double of this service for the tests of other services: no Kafka, no Postgres, no waiting.

    double = IasDouble()
    double.send(RegisterPatient(...))
    double.person_proves_identity(subject_id)
    for record in double.records():
        await my_consumer.handle(record["headers"], record["value"])

What lives here
    ``IasDouble``, which takes commands and tells the events, links and record-request states that the
    service would, in its order, with gapless ``sequence``; methods that play the person, Metriport and
    the clock; ``Terms``, what a deployment allows.

What must not
    No I/O, no clock, no randomness: the same calls give the same messages. What is decided is decided
    by ``service.ias``, the rules of the service itself; only memory and the parts of the others are made
    up here. Nothing of the product imports this package.
"""

from service.testing.double import IasDouble
from service.testing.outbox import Message, Told
from service.testing.terms import Terms

__all__ = ["IasDouble", "Message", "Terms", "Told"]
