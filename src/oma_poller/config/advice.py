"""Values that are allowed, and hardly meant."""

import resource
from collections.abc import Iterator

from oma_poller.config.durations import format_duration
from oma_poller.config.variables import Variables

_QUICK_S = 0.5
"""An interval shorter than this is a load that no VMA needs."""
_SPARE_FILES = 50
"""Files the program has open besides its connections to VMAs."""


def unwise(variables: Variables) -> Iterator[str]:
    """Yield one line for each value that will not do what was hoped for."""
    interval_s = variables.vma_progress_poll_interval
    if interval_s < _QUICK_S:
        yield (
            f"VMA_PROGRESS_POLL_INTERVAL is {format_duration(interval_s)}:"
            " each VMA is asked more than twice a second for every disk"
        )
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    polls = variables.vma_progress_max_concurrent
    if files != resource.RLIM_INFINITY and polls + _SPARE_FILES > files:
        yield (
            f"VMA_PROGRESS_MAX_CONCURRENT is {polls}, but this process may have only {files} files and"
            " connections open (ulimit -n)"
        )
    stall_s = variables.vma_progress_stall_after
    if stall_s < 2 * interval_s:
        yield (
            f"VMA_PROGRESS_STALL_AFTER is {format_duration(stall_s)}, less than two intervals:"
            " a copy that moves may be called stalled"
        )
    fail_s = variables.vma_progress_fail_after
    if fail_s is not None and fail_s < stall_s:
        yield (
            f"VMA_PROGRESS_FAIL_AFTER is {format_duration(fail_s)}, less than VMA_PROGRESS_STALL_AFTER:"
            " a job fails before it is called stalled"
        )
    if variables.oma_database_password_file is not None and variables.oma_database_url.startswith("sqlite:"):
        yield "OMA_DATABASE_PASSWORD_FILE is set, but an SQLite database has no password"
