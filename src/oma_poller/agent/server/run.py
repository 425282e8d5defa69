"""Whether a report belongs to the run that an entry shows, or begins another one under its key."""

from oma_poller.agent.server.entry import Entry
from oma_poller.agent.server.refusal import CONFLICT, RefusedError
from oma_poller.agent.server.update import Update
from oma_poller.agent.server.words import ENDS, Kind, kind


def begins_new_run(entry: Entry, update: Update) -> bool:
    """Return whether `update` is of a later run than the one `entry` shows.

    With a `run_id` that decides. Without one, a run that has ended is followed by a new one as soon as a
    report says that copying goes on. Raises RefusedError (409) for a late report of an earlier run.
    """
    if not update.run_id:
        return _goes_on_after_end(entry, update)
    if update.run_id == entry.run_id:
        if _goes_on_after_end(entry, update):
            raise RefusedError(
                f"run {entry.run_id!r} has ended as {entry.status}; a new run needs another run_id", CONFLICT
            )
        return False
    if update.run_id in entry.past_runs:
        raise RefusedError(f"run {update.run_id!r} was followed by another run", CONFLICT)
    return True


def _goes_on_after_end(entry: Entry, update: Update) -> bool:
    """Return whether the run had ended and the report tells of more to copy than it had."""
    if not entry.ended or not (update.status or update.stage):
        return False
    said = kind(update.status or update.stage or "")
    if said in ENDS or Kind.FINALIZING in {said, kind(update.stage or "")}:
        return False
    if update.disk_id and entry.disks:
        # A disk of the same machine that has not ended yet only joins late (F6).
        return any(disk.disk_id == update.disk_id and disk.ended for disk in entry.disks)
    return True
