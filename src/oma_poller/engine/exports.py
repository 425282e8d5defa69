"""The seed's look-up: which NBD exports a job is written through."""

from oma_poller.core.keys import plan_keys
from oma_poller.engine.ports import JobSource
from oma_poller.errors import UnknownJobError


def get_nbd_export_names_for_job(source: JobSource, job_id: str) -> list[str]:
    """Return the export name of every disk of the job that has a volume, each once, in disk order.

    Raises UnknownJobError for a job that is in no row, VolumeNameError for a volume id that cannot name
    an export, and DatabaseError where the database does not answer.
    """
    jobs = source.details([job_id])
    if not jobs:
        raise UnknownJobError(job_id)
    return list(dict.fromkeys(name for name in plan_keys(jobs[0]).exports if name))
