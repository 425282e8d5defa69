"""`oma-poller exports JOB`: which NBD exports a job is written through."""

import sys

import typer

from oma_poller.cli.options import AsJson, ConfigFile, JobId, settings_for
from oma_poller.cli.printing import say, say_json


def exports(context: typer.Context, job: JobId, config: ConfigFile = None, *, as_json: AsJson = False) -> int:
    """Print the NBD export name of every disk of a job, one a line."""
    settings = settings_for(context, config)

    from oma_poller.database.source import SqlJobSource  # noqa: PLC0415 - heavy
    from oma_poller.engine.exports import get_nbd_export_names_for_job  # noqa: PLC0415 - heavy

    source = SqlJobSource(settings.database, settings.policy.active_statuses)
    try:
        names = get_nbd_export_names_for_job(source, job)
    finally:
        source.close()
    if as_json:
        say_json({"job_id": job, "nbd_export_names": names})
        return 0
    for name in names:
        say(name)
    if not names:
        sys.stderr.write("no disk of this job has a volume yet\n")
    return 0
