"""`oma-poller exports JOB`: which NBD exports a job is written through."""

import sys
from typing import TYPE_CHECKING

import msgspec
import typer

from oma_poller.cli.options import ApiUrl, AsJson, ConfigFile, JobId, settings_for
from oma_poller.cli.printing import say, say_json

if TYPE_CHECKING:
    from oma_poller.config import Settings


def exports(
    context: typer.Context,
    job: JobId,
    config: ConfigFile = None,
    url: ApiUrl = None,
    *,
    as_json: AsJson = False,
) -> int:
    """Print the NBD export name of every disk of a job, one a line."""
    settings = settings_for(context, config)
    names = _names(settings, job) if url is None else _asked(settings, url, job)
    if as_json:
        say_json({"job_id": job, "nbd_export_names": names})
        return 0
    for name in names:
        say(name if name.isprintable() else repr(name))
    if not names:
        sys.stderr.write("no disk of this job has a volume yet\n")
    return 0


def _names(settings: "Settings", job: str) -> list[str]:
    from oma_poller.database.source import SqlJobSource  # noqa: PLC0415 - heavy
    from oma_poller.engine.exports import get_nbd_export_names_for_job  # noqa: PLC0415 - heavy

    source = SqlJobSource(settings.database, settings.policy.active_statuses)
    try:
        return get_nbd_export_names_for_job(source, job)
    finally:
        source.close()


class _Exports(msgspec.Struct, frozen=True):
    nbd_export_names: list[str]


def _asked(settings: "Settings", url: str, job: str) -> list[str]:
    from oma_poller.cli.api_client import ApiClient, job_path  # noqa: PLC0415 - heavy

    client = ApiClient(url, settings.api.token)
    body = client.get(job_path("/api/debug/nbd-export-names/", job))
    return client.decoded(body, _Exports).nbd_export_names
