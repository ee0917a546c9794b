"""Whether the shapes of what the vendor sends are kept; see ``service.telemetry.shapes``."""

from dataclasses import dataclass
from pathlib import Path

from service.settings.reader import Reader


@dataclass(frozen=True, kw_only=True)
class Observing:
    """Where shapes are kept, if anywhere."""

    folder: Path | None = None

    @classmethod
    def read(cls, reader: Reader) -> "Observing":
        """Read the group."""
        folder = reader.optional_text(
            "SHAPES_FOLDER",
            "A folder for the shapes (paths and types, no values) of Metriport's answers and redirects, "
            "for `metriport-ias observe`; none are kept without it. Meant for the first days with an "
            "account.",
        )
        return cls(folder=None if folder is None else Path(folder))
