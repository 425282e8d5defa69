"""The commands, and the options that stand before them."""

from typing import Annotated

import typer

from oma_poller import __version__
from oma_poller.cli.accept import accept
from oma_poller.cli.check import check
from oma_poller.cli.db import init, upgrade
from oma_poller.cli.demo import demo
from oma_poller.cli.explain import explain
from oma_poller.cli.exports import exports
from oma_poller.cli.history import history
from oma_poller.cli.options import ConfigFile
from oma_poller.cli.printing import say
from oma_poller.cli.replay import replay
from oma_poller.cli.run import run
from oma_poller.cli.status import status
from oma_poller.cli.vma_copy import copy
from oma_poller.cli.vma_serve import serve

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
_db = typer.Typer(help="Create and upgrade tables.")
_vma = typer.Typer(help="The VMA's side: serve progress, copy disks.")


def _print_version(asked: bool) -> None:  # noqa: FBT001 - typer passes an option's value by position
    if asked:
        say(f"oma-poller {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    config: ConfigFile = None,
    *,
    version: Annotated[  # noqa: ARG001 - its callback has done everything
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Write the progress of VM migrations, as a VMA serves it, into the OMA's database.

    Settings come from the environment, then oma-poller.toml, then defaults.

    Exit status: 0 done, 1 found something wrong, 2 wrong usage or configuration.
    """
    context.obj = config


app.command()(run)
app.command()(demo)
app.command()(check)
app.command()(status)
app.command()(exports)
app.command()(history)
app.command()(accept)
app.command()(explain)
app.command()(replay)
_db.command()(init)
_db.command()(upgrade)
_vma.command()(serve)
_vma.command()(copy)
app.add_typer(_db, name="db")
app.add_typer(_vma, name="vma")
