"""`oma-poller explain JOB`: why a job shows what it shows."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oma_poller.cli.options import ApiUrl, AsJson, ConfigFile, JobId, settings_for
from oma_poller.cli.printing import say, say_json
from oma_poller.clock import SystemClock
from oma_poller.errors import UnknownJobError, UsageError

if TYPE_CHECKING:
    from oma_poller.config import Settings
    from oma_poller.explain.account import Account
    from oma_poller.explain.ask import Look
    from oma_poller.model.flight import Flight

_BODY_LIMIT = 2000
"""Characters of a raw reply that are shown to a person; --json and --save have all."""

Save = Annotated[
    Path | None,
    typer.Option(
        "--save",
        metavar="FILE",
        help="Write this poll and the recorded ones to FILE, for `oma-poller replay FILE`.",
    ),
]


def explain(  # noqa: PLR0913 - typer: a parameter is an option
    context: typer.Context,
    job_id: JobId,
    config: ConfigFile = None,
    url: ApiUrl = None,
    *,
    save: Save = None,
    as_json: AsJson = False,
) -> int:
    """Ask the VMA for a job's keys now, and tell rule by rule what such a poll comes to.

    Before that come the polls that the poller recorded of the job, also of one that has ended: the last in
    which something happened, and some of those in which nothing did. Nothing is written to the database,
    and the running poller is not disturbed.
    """
    if url is not None and save is not None:
        raise UsageError("--save writes what the database has recorded; give it without --url")
    settings = settings_for(context, config)
    account, polls = _own(settings, job_id, save) if url is None else (_asked(settings, url, job_id), 0)
    if as_json:
        say_json(account)
    else:
        _tell(account)
        if save is not None:
            saved = f"{polls} polls" if polls > 1 else "1 poll"
            say(f"Saved to {save}, {saved}; oma-poller replay {save} runs them again")
    return 0


def _own(settings: "Settings", job_id: str, save: Path | None) -> "tuple[Account, int]":
    """Return the explanation of a poll made here, and how many polls were told of in it; they are saved."""
    from oma_poller.explain.account import account_of  # noqa: PLC0415 - heavy
    from oma_poller.explain.flight_file import save as save_flights  # noqa: PLC0415 - heavy

    recorded = _recorded(settings, job_id)
    look = _look(settings, job_id)
    flights = [*(recorded or ()), look.flight]
    if save is not None:
        save_flights(save, job_id, flights)
    return account_of(look, recorded), len(flights)


def _asked(settings: "Settings", url: str, job_id: str) -> "Account":
    """Return the explanation that a running poller gives of a job."""
    from oma_poller.cli.api_client import ApiClient, job_path  # noqa: PLC0415 - heavy
    from oma_poller.explain.account import Account  # noqa: PLC0415 - heavy

    client = ApiClient(url, settings.api.token)
    return client.decoded(client.get(job_path("/api/v1/progress/", job_id, "/explain")), Account)


def _recorded(settings: "Settings", job_id: str) -> "tuple[Flight, ...] | None":
    from oma_poller.database.flight_rows import read_flights  # noqa: PLC0415 - heavy

    return read_flights(settings.database, job_id)


def _look(settings: "Settings", job_id: str) -> "Look":
    from oma_poller.core.routing import vma_for  # noqa: PLC0415 - heavy
    from oma_poller.database.source import SqlJobSource  # noqa: PLC0415 - heavy
    from oma_poller.explain.ask import look_at  # noqa: PLC0415 - heavy

    source = SqlJobSource(settings.database, settings.policy.active_statuses)
    try:
        jobs = source.details([job_id], [job_id])  # with what is remembered of it
    finally:
        source.close()
    if not jobs:
        raise UnknownJobError(job_id)
    targets = {target.name: target for target in settings.targets}
    vma = targets[vma_for(jobs[0], settings.rules)]
    return look_at(jobs[0], vma, settings.policy, settings.http_timeout_s, SystemClock())


def _tell(account: "Account") -> None:
    made = f", made {account.created_at:%Y-%m-%dT%H:%M:%SZ}" if account.created_at else ""
    name = account.name or "no name"
    _say(f"Job {account.job_id} ({name}), status {account.status}{made}")
    _say(f"VMA {account.vma} at {account.vma_url}")
    _tell_recorded(account)
    _say("")
    _say("Keys asked for, now")
    for key in account.keys:
        shape = f", shape {key.shape}" if key.shape else ""
        _say(f"  {key.key}: {key.answer} ({key.duration_s * 1000:.0f} ms{shape})")
        if key.body:
            _say(f"    {key.body[:_BODY_LIMIT]}")
    _say("")
    memory = "what the poller remembers of it" if account.remembered else "nothing: no memory of it is kept"
    _say(f"Rules that decided, from {memory}")
    for rule in account.rules:
        _say(f"  {rule.name:<3} {rule.text}")
    _say("")
    _say(f"State    {account.decided.state}, seen as {account.decided.observation}")
    _say(f"Written  {account.written}")
    _say(f"Next     {account.next}")


def _tell_recorded(account: "Account") -> None:
    """Print the polls that were recorded, a line each and one more for each thing that happened."""
    _say("")
    if account.recorded is None:
        _say("No polls are recorded: the table is not there; to add: oma-poller db upgrade")
        return
    _say("Recorded polls" if account.recorded else "No poll of it is recorded")
    for past in account.recorded:
        percent = "no number" if past.percent is None else f"{past.percent:.2f} %"
        whose = "" if past.of_this_job else ", of an earlier job with this id"
        said = f"{past.result}: {past.state}, {past.observation}, {percent}{whose}"
        _say(f"  {past.at:%Y-%m-%dT%H:%M:%SZ}  {said}")
        for event in past.events:
            _say(f"    {event}")


def _say(text: str) -> None:
    """Print a line of whatever the database, a VMA or another poller has said."""
    from oma_poller.logs import one_line  # noqa: PLC0415 - heavy

    say(one_line(text))
