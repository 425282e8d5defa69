"""`oma-poller run`: poll until told to stop."""

import signal

import typer

from oma_poller.cli.options import AsJson, ConfigFile, settings_for


def run(context: typer.Context, config: ConfigFile = None, *, as_json: AsJson = False) -> int:
    """Poll the VMAs and write the progress of every active job, until SIGTERM or Ctrl-C.

    Events go to standard error; --json is LOG_FORMAT=json.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)  # until the poller has its own, which writes what is pending
    settings = settings_for(context, config)

    from oma_poller import app, logs  # noqa: PLC0415 - heavy; a wrong setting is told before

    logs.set_up(settings.log_level, "json" if as_json else settings.log_format)
    return app.run(settings)


def _leave(_number: int, _frame: object) -> None:
    raise typer.Exit(0)
