"""Disks whose row names no job: `vm_disks.job_id` may be NULL where `vm_context_id` names the VM.

The OMA points `job_id` at the VM's newest job. Until it has, the disks are that job's all the same: else its
exports would not be asked for. A job that any disk names has those and no others: one without a name beside
them was found since, and is not copied.
"""

from oma_poller.database.capabilities import DISKS, JOBS, Capabilities
from oma_poller.database.column import Kind
from oma_poller.database.dialect import Dialect
from oma_poller.database.relation import Join

ALIAS = "u"
VM = "vm_context_id"
_ANY = f"EXISTS (SELECT 1 FROM {DISKS} AS a WHERE a.job_id IS NULL)"  # noqa: S608  # names of our own
"""Asked once a query, of an index: where there are none, MariaDB leaves the join out."""


def may_be(has: Capabilities) -> bool:
    """Whether this database can have such disks, and tells whose they are."""
    return has.disks.has("job_id", VM) and has.jobs.has(VM)


def unnamed_disks(dialect: Dialect, has: Capabilities) -> Join:
    """Return the join that finds them for a job `j` without any disk `d`."""
    of_vm = f"NULLIF(j.{VM}, '')" if has.jobs.columns[VM].kind is Kind.TEXT else f"j.{VM}"
    wanted = f"CASE WHEN d.id IS NULL THEN {of_vm} END"  # so that nothing is looked for where there is one
    conditions = (_ANY, "d.id IS NULL", _is_unnamed(dialect, has, ALIAS, wanted), _is_newest(dialect, has))
    return Join(DISKS, ALIAS, " AND ".join(conditions))


def is_unnamed(dialect: Dialect, has: Capabilities) -> str:
    """Return the condition that a disk `d` names no job, and is of the VM of job `j`."""
    return _is_unnamed(dialect, has, "d", f"j.{VM}")


def _is_unnamed(dialect: Dialect, has: Capabilities, disk: str, of_vm: str) -> str:
    same = dialect.equal((f"{disk}.{VM}", has.disks.columns[VM]), (of_vm, has.jobs.columns[VM]))
    return f"{disk}.job_id IS NULL AND {same}"


def _is_newest(dialect: Dialect, has: Capabilities) -> str:
    """Return the condition that no job of the same VM is newer than `j`; those without a date are oldest.

    Asked by the VM of the disk, so that it is asked for a disk that was found, and not for every job.
    """
    newer = "n.id > j.id"
    if has.birth is not None:
        ours, theirs = f"j.{has.birth.name}", f"n.{has.birth.name}"
        later = f"{theirs} > {ours} OR ({ours} IS NULL AND {theirs} IS NOT NULL)"
        alike = f"{theirs} = {ours} OR ({ours} IS NULL AND {theirs} IS NULL)"
        newer = f"{later} OR (({alike}) AND {newer})"
    same = dialect.equal((f"n.{VM}", has.jobs.columns[VM]), (f"{ALIAS}.{VM}", has.disks.columns[VM]))
    return f"NOT EXISTS (SELECT 1 FROM {JOBS} AS n WHERE {same} AND ({newer}))"  # noqa: S608  # names from the catalog
