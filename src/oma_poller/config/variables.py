"""The variables of the program: their names, defaults and what each allows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, ValidationError

from oma_poller.config import reading
from oma_poller.errors import UsageError
from oma_poller.logs import FORMATS, LEVELS
from oma_poller.model.policy import Policy

ENVIRONMENT = "environment"
"""The origin of a value that is not in a file."""
_SECRET = frozenset({"VMA_PROGRESS_TOKEN", "OMA_API_TOKEN", "OMA_DATABASE_URL"})
"""Values that are never shown: they are secrets, or may hold one."""
_SHOWN_LIMIT = 100
"""Characters of a wrong value that are shown."""
_DEFAULT = Policy()

_Days = reading.duration("100ms", "720h")
_Hold = reading.duration("0s", "24h")


class Variables(BaseModel):
    """Every variable with its value: as given, else by default.

    A field is called like its variable, in lower case. Durations are seconds.
    """

    model_config = ConfigDict(alias_generator=str.upper, frozen=True, extra="forbid")

    vma_progress_client_url: Annotated[str, reading.line] = "http://localhost:9081"
    vma_progress_poll_interval: Annotated[float, reading.duration("50ms", "1h")] = _DEFAULT.interval_s
    vma_progress_max_concurrent: Annotated[int, reading.whole_number(1, 10_000)] = 10
    vma_progress_max_errors: Annotated[int, reading.whole_number(1, 100)] = _DEFAULT.max_errors
    vma_progress_http_timeout: Annotated[float, reading.duration("50ms", "10m")] = 10.0
    vma_progress_discovery_interval: Annotated[float, reading.duration("50ms", "1h")] = 5.0
    vma_progress_startup_grace: Annotated[float, _Hold] = _DEFAULT.startup_grace_s
    vma_progress_completion_hold: Annotated[float, _Hold] = _DEFAULT.completion_hold_s
    vma_progress_stall_after: Annotated[float, _Days] = _DEFAULT.stall_after_s
    vma_progress_parked_retry: Annotated[
        float, reading.duration("100ms", "720h", {"0": 0.0, "0s": 0.0, "off": 0.0})
    ] = _DEFAULT.parked_retry_s
    vma_progress_fail_after: Annotated[float | None, reading.duration("100ms", "720h", {"off": None})] = (
        _DEFAULT.fail_after_s
    )
    vma_progress_active_statuses: Annotated[frozenset[str], reading.statuses] = _DEFAULT.active_statuses
    vma_progress_write_status: Annotated[bool, reading.yes_or_no] = _DEFAULT.write_status
    vma_progress_token: Annotated[str | None, reading.token] = None
    vma_progress_ca_file: Annotated[Path | None, reading.path] = None
    vma_progress_cert_file: Annotated[Path | None, reading.path] = None
    vma_progress_key_file: Annotated[Path | None, reading.path] = None
    oma_database_url: Annotated[str, reading.line] = "sqlite:///oma-poller.db"
    oma_database_password_file: Annotated[Path | None, reading.path] = None
    oma_api_listen: Annotated[tuple[str, int] | None, reading.listen] = ("127.0.0.1", 8082)
    oma_api_token: Annotated[str | None, reading.token] = None
    oma_api_token_file: Annotated[Path | None, reading.path] = None
    oma_api_token_read: Annotated[bool, reading.yes_or_no] = False
    oma_api_cert_file: Annotated[Path | None, reading.path] = None
    oma_api_key_file: Annotated[Path | None, reading.path] = None
    oma_api_allowed_hosts: Annotated[tuple[str, ...], reading.hosts] = ()
    oma_metrics_per_job: Annotated[bool, reading.yes_or_no] = False
    log_level: Annotated[str, reading.choice(*LEVELS)] = "info"
    log_format: Annotated[str, reading.choice(*FORMATS)] = "auto"


NAMES = tuple(name.upper() for name in Variables.model_fields)
"""All variables, in the order in which they are told of."""


def read_variables(given: Mapping[str, object], origins: Mapping[str, str]) -> Variables:
    """Return all variables; *given* has what stands in the environment or the file, under their names.

    *origins* tells where each of them stands. Raises UsageError for the first wrong one.
    """
    try:
        return Variables.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        allowed = str(first["msg"]).removeprefix("Value error, ")
        where = "" if origins.get(name) == ENVIRONMENT else f" in {origins.get(name)}"
        raise UsageError(f"{name}{where} {_shown(name, first['input'])}; {allowed}") from None


def shown_value(name: str, value: object) -> str:
    """Return a given value for a person, never a secret."""
    return "(set, not shown)" if name in _SECRET else _short(value)


def _shown(name: str, value: object) -> str:
    return "cannot be used" if name in _SECRET else f"is {_short(value)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_LIMIT else f"{text[:_SHOWN_LIMIT]}…"
