"""`oma-poller status`: how far the jobs are, as it stands in the database."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from oma_poller.cli.options import ApiUrl, AsJson, ConfigFile, settings_for
from oma_poller.cli.printing import complain, is_live, say, say_json
from oma_poller.cli.status_source import ApiStatus, DatabaseStatus, StatusSource
from oma_poller.errors import ApiUnavailableError, DatabaseUnavailableError, UsageError

if TYPE_CHECKING:
    from oma_poller.database.status_rows import StatusPage

_EVERY_S = 1.0
"""Pause between two looks."""
_AROUND_ROWS = 4
"""Lines of a terminal that hold no job: the heading, the remark below and the prompt."""
_PIPE_WIDTH = 5_000
"""Characters a line where no terminal sets a limit: names are then never cut."""

_Unavailable = DatabaseUnavailableError | ApiUnavailableError
"""What a look may come to, while somebody watches."""

Watch = Annotated[bool, typer.Option("--watch", "-w", help="Go on showing it, until Ctrl-C.")]
All = Annotated[bool, typer.Option("--all", "-a", help="Show jobs that have ended, too.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="Show at most so many jobs.")]


def status(  # noqa: PLR0913 - typer: a parameter is an option
    context: typer.Context,
    config: ConfigFile = None,
    url: ApiUrl = None,
    *,
    watch: Watch = False,
    everything: All = False,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> int:
    """Print how far the active jobs are, newest first, as the database has it."""
    source = _source(context, config, url, everything=everything)
    if not watch:
        if as_json:
            say_json(source.document(source.page(limit)))
        else:
            _print_once(source, limit)
        return 0
    with _until_interrupted():
        if is_live() and not as_json:
            _watch_live(source, limit)
        else:
            _watch_plainly(source, limit, as_json=as_json)
    return 0


def _source(
    context: typer.Context, config: Path | None, url: str | None, *, everything: bool
) -> StatusSource:
    if url is not None and everything:
        raise UsageError("--all is of the database; the OMA API has the jobs that are polled")
    settings = settings_for(context, config)
    if url is None:
        return DatabaseStatus(settings, everything=everything)

    from oma_poller.cli.api_client import ApiClient  # noqa: PLC0415 - heavy

    return ApiStatus(ApiClient(url, settings.api.token))


@contextmanager
def _until_interrupted() -> Iterator[None]:
    """Take Ctrl-C for the end that was wished for."""
    try:
        yield
    except KeyboardInterrupt:
        return


def _print_once(source: StatusSource, limit: int) -> None:
    from rich.console import Console  # noqa: PLC0415 - heavy

    from oma_poller.cli.status_screen import status_screen  # noqa: PLC0415 - heavy

    page = source.page(limit)
    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    console.print(status_screen(page, source.clock.utc(), console.width))


def _looks(source: StatusSource, limit: Callable[[], int]) -> "Iterator[StatusPage | _Unavailable]":
    """Yield a page every second, or that the database or the API is away. At the first it must be there."""
    yield source.page(limit())
    while True:
        Event().wait(_EVERY_S)
        look: StatusPage | _Unavailable
        try:
            look = source.page(limit())
        except (DatabaseUnavailableError, ApiUnavailableError) as error:
            look = error
        yield look


def _watch_plainly(source: StatusSource, limit: int, *, as_json: bool) -> None:
    """Print what is new; what cannot be reached is told once, on standard error."""
    told = ""
    shown: dict[str, str] = {}
    for look in _looks(source, lambda: limit):
        if isinstance(look, _Unavailable):
            if str(look) != told:
                complain(str(look))
            told = str(look)
            continue
        told = ""
        if as_json:
            say_json(source.document(look), indent=None)
        else:
            shown = _say_changed(look, source.clock.utc(), shown)
        sys.stdout.flush()


def _say_changed(page: "StatusPage", now: datetime, shown: Mapping[str, str]) -> dict[str, str]:
    """Print the jobs whose line is not the one that was shown; return the lines of all."""
    from oma_poller.cli.status_words import in_words, plain_line  # noqa: PLC0415 - heavy

    lines = {row.job_id: plain_line(in_words(row, now)) for row in page.rows}
    for job_id, line in lines.items():
        if shown.get(job_id) != line:
            say(f"{now:%H:%M:%SZ}  {line}")
    return lines


def _watch_live(source: StatusSource, limit: int) -> None:
    """Keep the table on the terminal; what cannot be reached is told below it."""
    from rich.console import Console, Group, RenderableType  # noqa: PLC0415 - heavy
    from rich.live import Live  # noqa: PLC0415 - heavy
    from rich.text import Text  # noqa: PLC0415 - heavy

    from oma_poller.cli.status_screen import lines_a_job, status_screen  # noqa: PLC0415 - heavy
    from oma_poller.logs import one_line  # noqa: PLC0415 - heavy

    console = Console()
    screen: RenderableType = ""

    def fitting() -> int:
        return max(1, min(limit, (console.height - _AROUND_ROWS) // lines_a_job(console.width)))

    with Live(console=console, auto_refresh=False) as live:
        for look in _looks(source, fitting):
            if isinstance(look, _Unavailable):
                live.update(Group(screen, Text(one_line(str(look)), style="red")), refresh=True)
            else:
                screen = status_screen(look, source.clock.utc(), console.width)
                live.update(screen, refresh=True)
