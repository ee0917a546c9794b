"""The data sources of a network query and the words for their progress.

Source: Metriport docs, Start Network Query; code of the network-query feature. The running word is
``processing`` in one place of the docs and ``in-progress`` in another, so any word that we do not
know as final counts as processing.
"""

from enum import StrEnum

from .base import Message


class Source(StrEnum):
    """One kind of data source, by the vendor's word (``lab``, never ``laboratory``)."""

    HIE = "hie"
    PHARMACY = "pharmacy"
    LAB = "lab"


class SourceStatus(StrEnum):
    """Progress of one source within a query."""

    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class QueryResult(StrEnum):
    """How a network query ended, over all of its sources."""

    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"


class PurposeOfUse(StrEnum):
    """Why records are asked for. Metriport assumes ``treatment`` when it is not said."""

    IAS = "ias"
    TREATMENT = "treatment"


class SourceSelection(Message, frozen=True, kw_only=True):
    """Which sources a query asks. At least one must be true."""

    hie: bool = False
    pharmacy: bool = False
    lab: bool = False

    def chosen(self) -> tuple[Source, ...]:
        """The chosen sources in a fixed order."""
        wanted = {Source.HIE: self.hie, Source.PHARMACY: self.pharmacy, Source.LAB: self.lab}
        return tuple(source for source, wants in wanted.items() if wants)


class SourceProgress(Message, frozen=True, kw_only=True):
    """The state of one source, as told on events."""

    source: Source
    status: SourceStatus
    reason: str | None = None


class SourceCounts(Message, frozen=True, kw_only=True, omit_defaults=False):
    """How many sources stand how. Metriport tells no numbers of documents or resources."""

    completed: int = 0
    failed: int = 0
    processing: int = 0
