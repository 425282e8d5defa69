"""`oma-poller history JOB`: how far a job was, over time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from oma_poller.cli.options import AsJson, ConfigFile, JobId, settings_for
from oma_poller.cli.printing import say, say_json
from oma_poller.clock import SystemClock
from oma_poller.errors import UsageError

if TYPE_CHECKING:
    from oma_poller.model.sample import Sample

_NOTHING = "-"
_HEADINGS = ("TIME (UTC)", "PROGRESS", "BYTES", "SPEED", "SEEN")
_TO_THE_RIGHT = frozenset({1, 2, 3})
"""Columns of numbers."""

Since = Annotated[
    str | None,
    typer.Option("--since", metavar="DURATION", help="Show what is not older, like 30m, 2h or 72h."),
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="Show at most so many, the newest.")]


def history(  # noqa: PLR0913 - typer: a parameter is an option
    context: typer.Context,
    job: JobId,
    config: ConfigFile = None,
    *,
    since: Since = None,
    limit: Limit = 1000,
    as_json: AsJson = False,
) -> int:
    """Print how far a job was, over time, the oldest first.

    A job that moves is sampled every 30 seconds; of what is older than an hour five minutes are told apart,
    and of what is older than a day hours, for 30 days.
    """
    settings = settings_for(context, config)
    start = None if since is None else _start(since)

    from oma_poller.database.history_rows import read_history  # noqa: PLC0415 - heavy

    samples = read_history(settings.database, job, start, limit)
    if as_json:
        say_json({"job_id": job, "samples": [_document(sample) for sample in samples]})
        return 0
    for line in _lines([_HEADINGS, *map(_cells, samples)]) if samples else ["no sample of this job"]:
        say(line)
    return 0


def _start(since: str) -> datetime:
    from oma_poller.config.durations import parse_duration  # noqa: PLC0415 - heavy, as all of the settings

    try:
        return SystemClock().utc() - timedelta(seconds=parse_duration(since.strip()))
    except (ValueError, OverflowError):
        raise UsageError(f"--since is {since!r}; allowed is a duration like 30m, 2h or 1h30m") from None


def _document(sample: "Sample") -> dict[str, object]:
    return {
        "at": sample.at,
        "percent": None if sample.percent_bp is None else sample.percent_bp / 100,
        "bytes_transferred": sample.bytes_transferred,
        "total_bytes": sample.total_bytes,
        "speed_bps": sample.speed_bps,
        "observation": sample.observation,
        "grain_s": sample.grain_s,
    }


def _cells(sample: "Sample") -> tuple[str, ...]:
    from oma_poller.cli.quantities import human_bytes, human_percent, human_speed  # noqa: PLC0415 - as above
    from oma_poller.logs import one_line  # noqa: PLC0415 - heavy

    moved = _NOTHING if sample.bytes_transferred is None else human_bytes(sample.bytes_transferred)
    if sample.bytes_transferred is not None and sample.total_bytes:
        moved += f" of {human_bytes(sample.total_bytes)}"
    return (
        f"{sample.at:%Y-%m-%d %H:%M:%S}",
        _NOTHING if sample.percent_bp is None else human_percent(sample.percent_bp),
        moved,
        human_speed(sample.speed_bps or 0),
        one_line(sample.observation),
    )


def _lines(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return rows as lines, their columns below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if at in _TO_THE_RIGHT else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
