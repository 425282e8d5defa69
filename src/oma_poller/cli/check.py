"""`oma-poller check`: would it work? In one screen."""

from typing import TYPE_CHECKING

import typer

from oma_poller.cli.finding import Finding, Mark
from oma_poller.cli.options import AsJson, ConfigFile, settings_for
from oma_poller.cli.printing import say_json
from oma_poller.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oma_poller.cli.check_database import DatabaseLook
    from oma_poller.cli.check_jobs import JobsLook
    from oma_poller.cli.check_vmas import VmaLook
    from oma_poller.config import Settings

_PROBE_S = 5.0
"""A VMA has at most this long to say how it is."""


def check(context: typer.Context, config: ConfigFile = None, *, as_json: AsJson = False) -> int:
    """Look whether it would work: settings, database, VMAs, and the keys of the active jobs.

    Nothing is written. The exit status is 1 where something is wrong; a hint is nothing wrong.
    """
    settings = settings_for(context, config)

    from oma_poller.cli.check_database import look_at_database, tell_database  # noqa: PLC0415 - heavy
    from oma_poller.cli.check_jobs import tell_jobs  # noqa: PLC0415 - heavy
    from oma_poller.cli.check_vmas import look_at_vmas, tell_vmas  # noqa: PLC0415 - heavy

    database = look_at_database(settings.database, settings.policy)
    vmas = look_at_vmas(settings.targets, min(settings.http_timeout_s, _PROBE_S))
    findings = [*_tell_settings(settings), *tell_database(database), *tell_vmas(vmas)]
    jobs = None
    if database.usable:
        try:
            jobs = _look_at_jobs(settings, vmas)
            findings += tell_jobs(jobs)
        except DatabaseError as error:
            findings.append(Finding("jobs", Mark.WRONG, str(error)))
    if as_json:
        say_json(_document(settings, database, vmas, jobs, findings))
    else:
        from oma_poller.cli.check_screen import show_findings  # noqa: PLC0415 - heavy

        show_findings(findings)
    return 1 if any(finding.mark is Mark.WRONG for finding in findings) else 0


def _tell_settings(settings: "Settings") -> "Iterator[Finding]":
    where = f"read from {settings.config_file}" if settings.config_file else "no oma-poller.toml here"
    given = len(settings.given)
    yield Finding("configuration", Mark.OK, f"{where}; {given or 'no'} value{'' if given == 1 else 's'} set")
    for item in settings.given:
        value = settings.database.redacted if item.variable == "OMA_DATABASE_URL" else item.value
        yield Finding("configuration", Mark.OK, f"{item.variable} = {value} ({item.origin})")
    for warning in settings.warnings:
        yield Finding("configuration", Mark.HINT, warning)


def _look_at_jobs(settings: "Settings", vmas: "tuple[VmaLook, ...]") -> "JobsLook":
    from oma_poller.cli.check_jobs import look_at_jobs  # noqa: PLC0415 - heavy
    from oma_poller.clock import SystemClock  # noqa: PLC0415 - only here
    from oma_poller.database.source import SqlJobSource  # noqa: PLC0415 - heavy

    source = SqlJobSource(settings.database, settings.policy.active_statuses)
    try:
        return look_at_jobs(
            settings, source, {vma.name for vma in vmas if vma.health.reachable}, SystemClock()
        )
    finally:
        source.close()


def _document(
    settings: "Settings",
    database: "DatabaseLook",
    vmas: "tuple[VmaLook, ...]",
    jobs: "JobsLook | None",
    findings: list[Finding],
) -> dict[str, object]:
    """Return what was found as JSON has it; the field names are stable."""
    file = settings.config_file
    return {
        "ok": not any(finding.mark is Mark.WRONG for finding in findings),
        "configuration": {
            "file": str(file) if file else None,
            "given": settings.given,
            "warnings": settings.warnings,
        },
        "database": database,
        "vmas": vmas,
        "jobs": jobs,
        "findings": findings,
    }
