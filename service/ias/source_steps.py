"""What one source of a query makes of news: the order of words about its end, and the next row."""

from schemas.sources import SourceStatus
from service.ias.machine import Step
from service.ias.network_query import SourceRow, Update
from service.ias.network_query_table import SOURCE, SourceCue


def cue_of(row: SourceRow, update: Update) -> SourceCue:
    """Which cue an update is, beside what is known of the source."""
    if update.early:
        return SourceCue.EARLY_AGAIN if row.told_early else SourceCue.EARLY_DATA
    later = _is_later(row, update)
    match update.status:
        case SourceStatus.COMPLETED:
            return SourceCue.COMPLETED_LATER if later else SourceCue.COMPLETED
        case SourceStatus.FAILED:
            return SourceCue.FAILED_LATER if later else SourceCue.FAILED
        case SourceStatus.PROCESSING:
            return SourceCue.RUNS


def step_of(row: SourceRow, update: Update) -> Step[SourceStatus]:
    """What the table says."""
    return SOURCE.step(row.status, cue_of(row, update))


def is_kept(row: SourceRow, update: Update) -> bool:
    """Whether the update is stored: it is news, or repeats an end with a later time.

    Without the second the last word on a source would depend on the order of arrival.
    """
    later = {SourceCue.COMPLETED_LATER, SourceCue.FAILED_LATER}
    return bool(step_of(row, update).tells) or cue_of(row, update) in later


def after(row: SourceRow, update: Update) -> SourceRow:
    """The source as it stands after the update."""
    if not is_kept(row, update):
        return row
    if update.early:
        return row._replace(told_early=True)
    return row._replace(status=update.status, finished_at=update.completed_at, reason=update.reason)


def _is_later(row: SourceRow, update: Update) -> bool:
    """Whether a word about the end counts more than the one that is known: a total order.

    By time; a word without one is older than any that has one; of two that time cannot order,
    ``completed`` counts, because then there are data.
    """
    if update.completed_at == row.finished_at:
        return (row.status, update.status) == (SourceStatus.FAILED, SourceStatus.COMPLETED)
    if update.completed_at is None:
        return False
    return row.finished_at is None or update.completed_at > row.finished_at
