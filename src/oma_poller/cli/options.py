"""Options and arguments that several commands have."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from oma_poller.config import Settings

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="Read this TOML file, not oma-poller.toml in the working directory."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for a program.")]
ApiUrl = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="Ask the OMA API of a running poller there, not the database. The token of OMA_API_TOKEN or"
        " OMA_API_TOKEN_FILE is sent, and SSL_CERT_FILE can name a file of CAs.",
    ),
]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="The id of a row of replication_jobs.")]


def settings_for(context: typer.Context, config: Path | None) -> "Settings":
    """Return the settings; *config* stands before a `--config` that was given before the command.

    Raises UsageError with one line for the first thing that is wrong.
    """
    from oma_poller import logs  # noqa: PLC0415 - heavy; --help must not wait for it
    from oma_poller.config import load_settings  # noqa: PLC0415 - as above

    logs.set_up("warning")  # to standard error: what a command prints is for whoever asked
    told = config if config is not None else context.obj
    return load_settings(told if isinstance(told, Path) else None)
