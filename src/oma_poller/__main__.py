"""The program's way in and out: every end is an exit status and at most one line on standard error."""

import io
import os
import sys
import traceback
from collections.abc import Sequence

from oma_poller.errors import OmaPollerError

INTERRUPTED = 130
"""Exit status after Ctrl-C, as a shell would report it."""
PIPE_CLOSED = 141
"""Exit status where nobody reads the output any more, as a shell would report it."""
_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 0 done, 1 found wrong, 2 wrong usage or configuration."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name in the database may hold anything
    try:
        status = _run_command(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except OmaPollerError as error:
        status = _complain(str(error), error.exit_status)
    except KeyboardInterrupt:
        status = INTERRUPTED
    except BrokenPipeError:
        status = PIPE_CLOSED
    except Exception as error:  # noqa: BLE001 - whatever it is, it ends as one line and not as a traceback
        status = _unexpected(error)
    return _let_go_of_output(status)


def _run_command(arguments: Sequence[str] | None) -> int:
    import typer  # noqa: PLC0415 - here an interrupt and an error are caught

    from oma_poller.cli.root import app  # noqa: PLC0415 - as typer

    try:
        result = typer.main.get_command(app).main(arguments, prog_name="oma-poller", standalone_mode=False)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "oma-poller"
        return _complain(f"{error.format_message().rstrip('.')} (see {command} --help)", _USAGE)
    except typer.Abort:
        return INTERRUPTED
    except SystemExit:  # typer's way with a closed pipe
        return PIPE_CLOSED
    return result if isinstance(result, int) else 0


def _complain(message: str, status: int) -> int:
    from oma_poller.cli.printing import complain  # noqa: PLC0415 - as typer

    complain(message)
    return status


def _unexpected(error: Exception) -> int:
    from oma_poller.config import wants_debug  # noqa: PLC0415 - heavy, and hardly ever needed

    if wants_debug():
        traceback.print_exception(error)
        hint = ""
    else:
        hint = " (LOG_LEVEL=debug shows where)"
    if isinstance(error, OSError) and error.strerror:
        return _complain(f"{error.strerror}{f': {error.filename}' if error.filename else ''}{hint}", 1)
    return _complain(f"unexpected {type(error).__name__}: {error}{hint}", 1)


def _let_go_of_output(status: int) -> int:
    """Keep the interpreter from complaining at its end about output that nobody takes."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


if __name__ == "__main__":
    sys.exit(main())
