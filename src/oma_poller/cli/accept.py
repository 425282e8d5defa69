"""`oma-poller accept JOB`: take what the VMA shows of a job for the job's own."""

from typing import Annotated

import typer

from oma_poller.cli.options import AsJson, ConfigFile, JobId, settings_for
from oma_poller.cli.printing import say, say_json

Force = Annotated[
    bool,
    typer.Option("--force", help="Accept a job that is seen as previous_run, too."),
]


def accept(
    context: typer.Context,
    job: JobId,
    config: ConfigFile = None,
    *,
    force: Force = False,
    as_json: AsJson = False,
) -> int:
    """Take what the VMA shows of an unverified job for that job's own run, as it stands.

    For a job whose entry is older than the job and has ended, where nobody can tell from outside whose end
    it is. The poller goes on with the entry at its next look: one that says completed, with all its bytes,
    completes the job.

    A job that is seen as previous_run needs --force: its entry is older than the job and has not moved
    since, and it is believed by itself once it moves.
    """
    settings = settings_for(context, config)

    from oma_poller.database import acceptance  # noqa: PLC0415 - heavy

    acceptance.accept(settings.database, job, force=force)
    if as_json:
        say_json({"job_id": job, "accepted": True})
    else:
        say(f"{job}: accepted; the poller takes the VMA's entry for this job's from its next look on")
    return 0
