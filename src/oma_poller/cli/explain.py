"""`oma-poller explain JOB`: why a job shows what it shows."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oma_poller.cli.options import AsJson, ConfigFile, JobId, settings_for
from oma_poller.cli.printing import say, say_json
from oma_poller.clock import SystemClock
from oma_poller.errors import UnknownJobError

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


def explain(
    context: typer.Context,
    job_id: JobId,
    config: ConfigFile = None,
    *,
    save: Save = None,
    as_json: AsJson = False,
) -> int:
    """Ask the VMA for a job's keys now, and tell rule by rule what such a poll comes to.

    Before that come the polls that the poller recorded of the job, also of one that has ended: the last in
    which something happened, and some of those in which nothing did. Nothing is written to the database,
    and the running poller is not disturbed.
    """
    settings = settings_for(context, config)

    from oma_poller.explain.account import account_of  # noqa: PLC0415 - heavy
    from oma_poller.explain.flight_file import save as save_flights  # noqa: PLC0415 - heavy

    recorded = _recorded(settings, job_id)
    look = _look(settings, job_id)
    flights = [*(recorded or ()), look.flight]
    if save is not None:
        save_flights(save, job_id, flights)
    account = account_of(look, recorded)
    if as_json:
        say_json(account)
    else:
        _tell(account)
        if save is not None:
            polls = f"{len(flights)} polls" if len(flights) > 1 else "1 poll"
            say(f"Saved to {save}, {polls}; oma-poller replay {save} runs them again")
    return 0


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
    from oma_poller.logs import one_line  # noqa: PLC0415 - heavy

    made = f", made {account.created_at:%Y-%m-%dT%H:%M:%SZ}" if account.created_at else ""
    name = one_line(account.name) or "no name"
    say(f"Job {one_line(account.job_id)} ({name}), status {one_line(account.status)}{made}")
    say(f"VMA {account.vma} at {account.vma_url}")
    _tell_recorded(account)
    say("")
    say("Keys asked for, now")
    for key in account.keys:
        shape = f", shape {key.shape}" if key.shape else ""
        say(f"  {key.key}: {key.answer} ({key.duration_s * 1000:.0f} ms{shape})")
        if key.body:
            say(f"    {one_line(key.body[:_BODY_LIMIT])}")
    say("")
    memory = "what the poller remembers of it" if account.remembered else "nothing: no memory of it is kept"
    say(f"Rules that decided, from {memory}")
    for rule in account.rules:
        say(f"  {rule.name:<3} {one_line(rule.text)}")
    say("")
    say(f"State    {account.decided.state}, seen as {account.decided.observation}")
    say(f"Written  {one_line(account.written)}")
    say(f"Next     {account.next}")


def _tell_recorded(account: "Account") -> None:
    """Print the polls that were recorded, a line each and one more for each thing that happened."""
    from oma_poller.logs import one_line  # noqa: PLC0415 - heavy

    say("")
    if account.recorded is None:
        say("No polls are recorded: the table is not there; to add: oma-poller db upgrade")
        return
    say("Recorded polls" if account.recorded else "No poll of it is recorded")
    for past in account.recorded:
        percent = "no number" if past.percent is None else f"{past.percent:.2f} %"
        whose = "" if past.of_this_job else ", of an earlier job with this id"
        said = (
            f"{one_line(past.result)}: {one_line(past.state)}, {one_line(past.observation)}, {percent}{whose}"
        )
        say(f"  {past.at:%Y-%m-%dT%H:%M:%SZ}  {said}")
        for event in past.events:
            say(f"    {one_line(event)}")
