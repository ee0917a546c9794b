"""A webhook as the vendor may send it, and as it should not: with less than it should say, or another's."""

import random
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from tests.metriport_sandbox.events import IDENTITY_VERIFIED
from tests.metriport_sandbox.sender import WebhookRow
from tests.support import records

UNHEARD: Final = "unheard-of"


def spoilt(draw: random.Random, row: WebhookRow, others: Sequence[WebhookRow]) -> Any:
    """The row's body: half the time as it is or as it is sent again, else as another message."""
    if row.type != IDENTITY_VERIFIED or draw.random() < 1 / 2:
        return row.retry_body() if draw.random() < 1 / 3 else row.body()
    body = records.again(row.body())
    proofs = [one for one in others if one.type == IDENTITY_VERIFIED and one is not row]
    payload = body["payload"]
    if proofs and draw.random() < 1 / 8:  # another's identity is presented here, too
        payload["proofedIdentityId"] = draw.choice(proofs).fields["payload"]["proofedIdentityId"]
    pages = [one.fields["payload"]["sessionId"] for one in proofs] or [UNHEARD]
    own = payload["sessionId"]
    page, verification_id = draw.choice(
        (
            (own, None),
            (UNHEARD, ...),
            (UNHEARD, None),
            (draw.choice(pages), ...),
            (own, str(UUID(int=draw.getrandbits(128), version=4))),
        )
    )
    payload["sessionId"] = body["meta"]["requestId"] = page
    if verification_id is None:
        body["meta"].pop("data", None)
    elif isinstance(verification_id, str):
        body["meta"]["data"] = {"iasVerificationId": verification_id}
    return body
