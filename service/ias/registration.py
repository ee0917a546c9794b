"""What Create Patient's answer means.

Metriport de-duplicates fuzzily and answers 201 with an existing patient unchanged, its own
``externalId`` included (vendor code, ``create-patient.ts``).
"""

from datetime import datetime, timedelta
from typing import Final

from schemas.metriport.api import Patient

_CLOCKS_DIFFER: Final = timedelta(minutes=5)


def matched_existing(answer: Patient, sent_external_id: str | None, called_at: datetime) -> bool:
    """Whether the patient was there before our call: another externalId, or created earlier."""
    if answer.external_id != sent_external_id:
        return True
    return answer.date_created is not None and answer.date_created < called_at - _CLOCKS_DIFFER
