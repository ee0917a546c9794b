"""What may be seen of a message that was put aside: a few fields as they are, of all others the type."""

from typing import Any, Final

import msgspec

from service.assumed.shapes import key_of, shape_of
from service.telemetry import logs

PLAIN: Final = frozenset(
    """
    commandId subjectId patientId requestId messageId linkId type when status purpose purposeOfUse hie pharmacy
    lab deadline expiresAt dateFrom dateTo conversionType priority freshness legalHold reason
    """.split()  # noqa: SIM905 - read better as text
)
"""Fields that hold ids, times and words of closed lists."""


def shown_fields(content: bytes) -> Any:  # noqa: ANN401 - any JSON
    """The fields of a message; ``None`` where it is no JSON."""
    try:
        return _shown(msgspec.json.decode(content), "")
    except (ValueError, RecursionError):
        return None


def _shown(value: Any, name: str) -> Any:  # noqa: ANN401
    match value:
        case dict():
            return {key_of(key): _shown(item, key) for key, item in value.items()}
        case list():
            return [_shown(item, name) for item in value]
        case _ if name in PLAIN:
            return logs.redact(None, "", {"shown": value})["shown"]
        case _:
            return f"({shape_of(value)['$'][0]})"
