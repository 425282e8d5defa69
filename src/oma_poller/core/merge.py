"""Two updates of one job in one, as if the row had been written with both in turn."""

from msgspec.structs import replace

from oma_poller.model.update import DiskUpdate, Progress, Update


def merged(older: Update, newer: Update) -> Update:
    """Return *newer*, with the numbers, status and error of *older* where it leaves them.

    The sighting is always the newest. An update without numbers (a poll that failed) leaves the row's, so
    it must not make those that still wait be lost.
    """
    if newer.whole and _names_all_of(older, newer):
        return newer
    progress = _merged_progress(older.progress, newer.progress)
    if progress is newer.progress and _names_all_of(older, newer):
        return newer
    return Update(
        job_id=newer.job_id,
        sighting=newer.sighting,
        consecutive_errors=newer.consecutive_errors,
        progress=progress,
        status=newer.status if newer.status is not None else older.status,
        error_message=newer.error_message if newer.error_message is not None else older.error_message,
        born=newer.born if newer.born is not None else older.born,
    )


def _names_all_of(older: Update, newer: Update) -> bool:
    """Whether, beside its numbers, nothing is left of the older update."""
    return (
        (newer.status is not None or older.status is None)
        and (newer.error_message is not None or older.error_message is None)
        and (newer.born is not None or older.born is None)
    )


def changes(known: Update, newer: Update) -> bool:
    """Whether a row that holds *known* is another one once *newer* is written to it."""
    before, after = known.progress, newer.progress
    if after is not None and (before is None or after.bytes_transferred != before.bytes_transferred):
        return True  # nearly always so, and told without merging
    return replace(merged(known, newer), whole=known.whole) != known


def _merged_progress(older: Progress | None, newer: Progress | None) -> Progress | None:
    """Return the newest numbers; rows of disks that only the older ones name are kept."""
    if newer is None or older is None or _replaces(newer.disks, older.disks):
        return older if newer is None else newer
    rows = {row.id: row for row in older.disks}
    for row in newer.disks:
        rows[row.id] = _merged_row(rows.get(row.id), row)
    return replace(newer, disks=tuple(rows.values()))


def _replaces(newer: tuple[DiskUpdate, ...], older: tuple[DiskUpdate, ...]) -> bool:
    """Whether nothing of the older rows is left: the usual case, and quickly told."""
    if len(newer) != len(older):
        return False
    for row, before in zip(newer, older, strict=True):
        if row.id != before.id or row.bytes_synced is None:
            return newer == older
    return True


def _merged_row(older: DiskUpdate | None, newer: DiskUpdate) -> DiskUpdate:
    if older is None or newer.bytes_synced is not None:
        return newer
    return replace(newer, bytes_synced=older.bytes_synced)
