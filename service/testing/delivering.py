"""Consolidated queries: the call, and what Metriport delivers."""

from datetime import timedelta
from typing import Literal

from schemas.commands import ConversionType
from schemas.events import ConsolidatedDataFailed
from schemas.ids import LinkId, PatientId, RequestId
from schemas.links import Link, LinkKind
from schemas.reasons import REMEDIES
from service.ias.consolidated import (
    CONTENT_TYPES,
    LINK_LIFETIME,
    RENEWALS,
    DataLink,
    Failed,
    NoData,
)
from service.ias.consolidated_steps import (
    ConsolidatedStanding,
    Message,
    Refusing,
    Turn,
    on,
)
from service.ias.consolidated_steps import Delivery as Delivered
from service.ias.consolidated_table import ConsolidatedCue
from service.ias.machine import Effect
from service.ias.record_request_steps import IssuedLink
from service.ias.refusal import Refusal
from service.ias.telling import Head, head
from service.testing.memory import Delivery
from service.testing.world import World

Brings = Literal["data", "no_data", "failure", "dead_link"]
"""What Metriport's webhook about a consolidated query can bring.

``dead_link``: the last of three in a row; the service renews the others without a word.
"""


def start(
    world: World, about: Head, patient_id: PatientId, conversion_type: ConversionType
) -> Delivery:
    """Ask Metriport for the record; it arrives by ``deliver``."""
    delivery = queue(world, about, patient_id, conversion_type)
    call(world, delivery)
    return delivery


def queue(
    world: World, about: Head, patient_id: PatientId, conversion_type: ConversionType
) -> Delivery:
    """A query that is due, of the request that the head names, or of one of its own."""
    request_id = about["request_id"] or RequestId(world.new_id())
    named = head(about["subject_id"], patient_id, about["command_id"], request_id)
    delivery = Delivery(request_id, patient_id, conversion_type, named, world.now)
    world.subject(about["subject_id"]).deliveries.append(delivery)
    return delivery


def call(world: World, delivery: Delivery) -> None:
    """Its turn has come: whatever Metriport needs is checked, and Metriport asked."""
    if Effect.CALL_VENDOR in hear(world, delivery, Turn(world.refuse_data(delivery.about))):
        reason = world.take_refusal()
        refusing = None if reason is None else Refusing(Refusal(reason, REMEDIES[reason]))
        hear(world, delivery, refusing or ConsolidatedCue.ACCEPTED)


def deliver(world: World, delivery: Delivery, brings: Brings) -> None:
    """The webhook comes; the link is told before the event that names it."""
    content = _content(world, delivery, brings)
    link_id = LinkId(world.new_id())
    refused = world.refuse_data(delivery.about)
    message = Delivered(refused, content, link_id)
    decided = on(_standing(delivery), message, world.now)
    if Effect.ISSUE_LINK in decided.calls and isinstance(content, DataLink):
        world.issue(_link(delivery, content, link_id))
        delivery.link = IssuedLink(link_id, content.expires_at)
    hear(world, delivery, message)


def hear(world: World, delivery: Delivery, message: Message) -> tuple[Effect, ...]:
    """Tell a consolidated query; what that causes."""
    decision = on(_standing(delivery), message, world.now)
    delivery.state = decision.state
    for event in decision.events:
        if isinstance(event, ConsolidatedDataFailed):
            delivery.reason = event.reason
    world.tell(decision.events)
    return decision.calls


def _standing(delivery: Delivery) -> ConsolidatedStanding:
    return ConsolidatedStanding(
        state=delivery.state,
        conversion_type=delivery.conversion_type,
        renewals=RENEWALS,
        head=delivery.about,
    )


def _content(world: World, delivery: Delivery, brings: Brings) -> DataLink | NoData | Failed:
    url = f"https://metriport.example.com/{delivery.request_id}.{delivery.conversion_type}"
    kind = CONTENT_TYPES[delivery.conversion_type]
    match brings:
        case "data":
            return DataLink(url, kind, world.now + LINK_LIFETIME)
        case "dead_link":
            return DataLink(url, kind, world.now - timedelta(seconds=1))
        case "no_data":
            return NoData()
        case "failure":
            return Failed()


def _link(delivery: Delivery, data: DataLink, link_id: LinkId) -> Link:
    return Link(
        link_id=link_id,
        kind=LinkKind.CONSOLIDATED_DATA,
        url=data.url,
        expires_at=data.expires_at,
        subject_id=delivery.about["subject_id"],
        patient_id=delivery.patient_id,
        content_type=data.content_type,
        request_id=delivery.request_id,
    )
