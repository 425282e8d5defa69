"""`oma-poller vma serve`: the VMA's progress server."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from oma_poller.cli.options import AsJson
from oma_poller.cli.printing import say, say_json
from oma_poller.errors import UsageError

LEASE_LIMIT_S = 86_400.0


def serve(
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where to listen; port 0 takes a free one.")
    ] = "127.0.0.1:9081",
    state: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep all entries in this file, across restarts.")
    ] = None,
    lease: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Show a run as stalled that was not reported for this long, where it names no lease itself.",
        ),
    ] = None,
    max_keys: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="How many keys are kept; ended runs make room first.")
    ] = 10_000,
    *,
    as_json: AsJson = False,
) -> int:
    """Take the reports of copiers and answer pollers with them, until SIGTERM or Ctrl-C.

    Says where it listens in one line, once it does.
    """
    lease_s = 0.0 if lease is None else _lease_s(lease)

    from oma_poller.agent.server.listen import read_address  # noqa: PLC0415 - heavy; --help must not wait for it
    from oma_poller.agent.server.register import Limits  # noqa: PLC0415 - as above
    from oma_poller.agent.server.server import serve as serve_at  # noqa: PLC0415 - as above

    limits = Limits(max_keys=max_keys, lease_s=lease_s)

    def announce(url: str) -> None:
        if as_json:
            say_json({"url": url}, indent=None)
        else:
            say(f"serving on {url}")
        sys.stdout.flush()  # whoever started the server waits for this line

    serve_at(read_address(listen), state, limits, announce)
    return 0


def _lease_s(text: str) -> float:
    from oma_poller.config.durations import parse_duration  # noqa: PLC0415 - brings all of the configuration

    try:
        seconds = parse_duration(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= LEASE_LIMIT_S:
        raise UsageError(
            f"--lease {text!r} is no lease: allowed are durations up to 24h, as in 500ms, 30s, 2m"
        )
    return seconds
