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

_BODY_LIMIT = 2000
"""Characters of a raw reply that are shown to a person; --json and --save have all."""

Save = Annotated[
    Path | None,
    typer.Option("--save", metavar="FILE", help="Write this poll to FILE, for `oma-poller replay FILE`."),
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

    Nothing is written to the database, and the running poller is not disturbed.
    """
    settings = settings_for(context, config)

    from oma_poller.explain.account import account_of  # noqa: PLC0415 - heavy
    from oma_poller.explain.flight_file import save as save_flights  # noqa: PLC0415 - heavy

    look = _look(settings, job_id)
    if save is not None:
        save_flights(save, job_id, [look.flight])
    account = account_of(look)
    if as_json:
        say_json(account)
    else:
        _tell(account)
        if save is not None:
            say(f"Saved to {save}; oma-poller replay {save} runs it again")
    return 0


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
    memory = "what the poller remembers of it" if account.remembered else "nothing: no memory of it is kept"
    say(f"Judged from {memory}")
    say("")
    say("Keys asked for")
    for key in account.keys:
        shape = f", shape {key.shape}" if key.shape else ""
        say(f"  {key.key}: {key.answer} ({key.duration_s * 1000:.0f} ms{shape})")
        if key.body:
            say(f"    {one_line(key.body[:_BODY_LIMIT])}")
    say("")
    say("Rules that decided")
    for rule in account.rules:
        say(f"  {rule.name:<3} {one_line(rule.text)}")
    say("")
    say(f"State    {account.decided.state}, seen as {account.decided.observation}")
    say(f"Written  {one_line(account.written)}")
    say(f"Next     {account.next}")
