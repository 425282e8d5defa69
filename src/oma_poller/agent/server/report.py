"""What a report makes of an entry: the rule of the whole server. Values in, values out."""

from msgspec.structs import replace

from oma_poller.agent.server.entry import ERRORS_LIMIT, FIRST_STATUS, PAST_RUNS_LIMIT, Entry
from oma_poller.agent.server.joint import joint_status
from oma_poller.agent.server.meter import current_bps
from oma_poller.agent.server.moment import Moment
from oma_poller.agent.server.part import Part, advanced
from oma_poller.agent.server.phase import entered
from oma_poller.agent.server.refusal import RefusedError
from oma_poller.agent.server.run import begins_new_run
from oma_poller.agent.server.update import BIGINT_MAX, DISKS_LIMIT, Update
from oma_poller.agent.server.words import ENDS, Kind, kind

_SYNC_TYPES = {"initial": "full"}
_BAD_ENDS = frozenset({Kind.FAILED, Kind.CANCELLED})


def report(entry: Entry | None, key: str, update: Update, now: Moment, lease_s: float = 0.0) -> Entry:
    """Return the entry after a report; `entry` None is a key the server does not know.

    `lease_s` is the lease of a run that names none, 0 for none. Raises RefusedError where the report
    contradicts what its run has told before.
    """
    if entry is None:
        run = Entry(key, now, now, now.s, run_id=update.run_id or "", lease_s=lease_s)
    elif begins_new_run(entry, update):
        past = tuple(run_id for run_id in (*entry.past_runs, entry.run_id) if run_id)[-PAST_RUNS_LIMIT:]
        run = Entry(key, now, now, now.s, run_id=update.run_id or "", past_runs=past, lease_s=lease_s)
    else:
        run = entry
    counted = _counted(run, update, now)
    status = _status(run, counted, update)
    ended = kind(status) in ENDS
    speed_bps = sum(current_bps(part.meter, now.s) for part in counted.parts if not part.ended)
    return replace(
        counted,
        updated=now,
        renewed_s=now.s,
        status=status,
        phases=entered(run.phases, counted.stage, now, ended=ended),
        peak_bps=max(run.peak_bps, speed_bps),
        errors=_errors(run.errors, update, status),
        sync_type=_SYNC_TYPES.get((update.sync_type or "").lower(), update.sync_type or run.sync_type),
        lease_s=run.lease_s if update.lease_seconds is None else update.lease_seconds,
    )


def _counted(run: Entry, update: Update, now: Moment) -> Entry:
    """Return the run with its stage and its parts as the report has them."""
    stage = update.stage or run.stage
    waiting = bool(update.disk_id) and kind(stage) is Kind.SETUP
    others_copy = any(kind(d.status) is Kind.COPYING for d in run.disks if d.disk_id != update.disk_id)
    counted = replace(
        run,
        stage=run.stage if waiting and others_copy else stage,
        disks=_disks(run, update, now, stage),
        disks_total=max(run.disks_total, update.disks_total or 0, len(update.disks or ())),
    )
    if not update.disk_id:
        whole = _whole(run.whole, update, now, counted)
        counted = replace(counted, whole=whole, own_status=update.status or run.own_status)
    if counted.total_bytes > BIGINT_MAX or counted.moved_bytes > BIGINT_MAX:
        raise RefusedError(f"the bytes of all disks together are more than {BIGINT_MAX}")
    return counted


def _whole(whole: Part, update: Update, now: Moment, counted: Entry) -> Part:
    """Return the part that stands for all. Beside disks it has no bytes, they would be counted twice."""
    if not counted.disks:
        return advanced(whole, update, now.s, counted.stage, "")
    words = replace(update, bytes_transferred=None, throughput_bps=None)
    return replace(advanced(whole, words, now.s, counted.stage, ""), meter=whole.meter)


def _disks(run: Entry, update: Update, now: Moment, stage: str) -> tuple[Part, ...]:
    """Return the disks with those the report announces and the one it tells of."""
    if not update.disk_id and not update.disks:
        return run.disks
    if run.whole.moved_bytes and not run.disks:
        raise RefusedError(
            "this run has reported bytes without disk_id; to report by disk begin another run (run_id)"
        )
    disks = {disk.disk_id: disk for disk in run.disks}
    for announced in update.disks or ():
        known = disks.get(announced.disk_id) or Part(announced.disk_id, status=FIRST_STATUS)
        label = announced.label or known.label or _label(announced.disk_id)
        total = known.total_bytes or announced.total_bytes or 0
        fits = total >= known.moved_bytes
        disks[announced.disk_id] = replace(known, label=label, total_bytes=total if fits else 0)
    if update.disk_id:
        known = disks.get(update.disk_id) or Part(update.disk_id, _label(update.disk_id))
        status = update.status or known.status or (FIRST_STATUS if run.ended else run.status)
        if known.ended and kind(status) not in ENDS:
            status = known.status
        disks[update.disk_id] = advanced(known, update, now.s, stage, status)
    if len(disks) > DISKS_LIMIT:
        raise RefusedError(f"{len(disks)} disks under one key, allowed are {DISKS_LIMIT}")
    return tuple(disks.values())


def _label(disk_id: str) -> str:
    return f"Disk {disk_id}"


def _status(run: Entry, counted: Entry, update: Update) -> str:
    """Return the status word of the whole.

    A run that has ended does not go back to work, save one that seemed complete until one more disk came.
    """
    told = update.status or ""
    if not counted.disks and not counted.disks_total:
        return run.status if not told or (run.ended and kind(told) not in ENDS) else told
    told = told or ("" if run.ended else run.status)
    status = joint_status(counted.disks, counted.disks_total, counted.own_status, told)
    return run.status if kind(run.status) in _BAD_ENDS and kind(status) not in ENDS else status


def _errors(errors: tuple[str, ...], update: Update, status: str) -> tuple[str, ...]:
    """Return the errors with the report's; a failure without a reason says that it has none."""
    text = update.error_message
    if not text:
        if errors or kind(status) is not Kind.FAILED:
            return errors
        text = f"the copier reported {status} and gave no reason"
    if update.disk_id:
        text = f"disk {update.disk_id}: {text}"
    return errors if errors and errors[-1] == text else (*errors, text)[-ERRORS_LIMIT:]
