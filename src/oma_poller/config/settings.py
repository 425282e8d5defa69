"""What the program is to do, read once and frozen. The only reader of the environment."""

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.config.advice import unwise
from oma_poller.config.api import read_api
from oma_poller.config.toml_file import DEFAULT_FILE, TomlFile, hint, read_toml
from oma_poller.config.variables import ENVIRONMENT, NAMES, Variables, read_variables, shown_value
from oma_poller.config.vma_tables import read_vma_tables
from oma_poller.database.address import DatabaseAddress, parse_address
from oma_poller.database.password_file import read_password
from oma_poller.errors import UsageError
from oma_poller.logs import one_line
from oma_poller.model.policy import Policy
from oma_poller.model.vma import DEFAULT_VMA, VmaRule
from oma_poller.vma.address import check_target, check_targets
from oma_poller.vma.target import VmaTarget
from oma_poller.web.settings import ApiSettings

_PREFIXES = ("VMA_PROGRESS_", "OMA_")
_UNKNOWN_LIMIT = 10
"""Unknown variables that are told of."""


class Given(Struct, frozen=True):
    """A value that is not the default."""

    variable: str
    value: str
    """For a person; never a secret."""
    origin: str
    """`environment`, or the file."""


class Settings(Struct, frozen=True, kw_only=True):
    """Everything that was configured, checked. Durations are seconds."""

    database: DatabaseAddress
    policy: Policy
    targets: tuple[VmaTarget, ...]
    """The VMA of `VMA_PROGRESS_CLIENT_URL` first, then those of the file."""
    rules: tuple[VmaRule, ...]
    max_concurrent: int
    http_timeout_s: float
    discovery_interval_s: float
    api: ApiSettings
    log_level: str
    log_format: str
    warnings: tuple[str, ...]
    """What is allowed but hardly meant, one line each."""
    config_file: Path | None
    """The file that was read; None where there is none."""
    given: tuple[Given, ...]

    def __repr__(self) -> str:
        # Not field by field: tokens are among them.
        return f"<Settings {self.database.redacted} {[target.url for target in self.targets]}>"


def load_settings(config_file: Path | None = None) -> Settings:
    """Read the environment and the file, `oma-poller.toml` in the working directory unless told otherwise.

    Raises UsageError with one line for the first thing that is wrong.
    """
    file = _file(config_file)
    in_file = file.values if file else {}
    in_environment = {name: text for name in NAMES if (text := os.environ.get(name))}
    given = {**in_file, **in_environment}
    origins = {name: str(file.path) for name in in_file} if file else {}
    origins |= dict.fromkeys(in_environment, ENVIRONMENT)
    variables = read_variables(given, origins)
    targets, rules = _vmas(variables, file)
    return Settings(
        database=_database(variables),
        policy=_policy(variables),
        targets=targets,
        rules=rules,
        max_concurrent=variables.vma_progress_max_concurrent,
        http_timeout_s=variables.vma_progress_http_timeout,
        discovery_interval_s=variables.vma_progress_discovery_interval,
        api=read_api(variables),
        log_level=variables.log_level,
        log_format=variables.log_format,
        warnings=(*_unknown(os.environ), *unwise(variables)),
        config_file=file.path if file else None,
        given=_given(given, origins),
    )


def wants_debug() -> bool:
    """Whether the environment asks for debug output; for what fails before there are settings."""
    return os.environ.get("LOG_LEVEL", "").strip().lower() == "debug"


def _file(told: Path | None) -> TomlFile | None:
    if told is not None:
        return read_toml(told, NAMES)
    # A link that leads nowhere is an error, not an absent file.
    return read_toml(DEFAULT_FILE, NAMES) if os.path.lexists(DEFAULT_FILE) else None


def _given(values: Mapping[str, object], origins: Mapping[str, str]) -> tuple[Given, ...]:
    return tuple(
        Given(name, shown_value(name, values[name]), origins[name]) for name in NAMES if name in values
    )


def _policy(variables: Variables) -> Policy:
    return Policy(
        interval_s=variables.vma_progress_poll_interval,
        max_errors=variables.vma_progress_max_errors,
        startup_grace_s=variables.vma_progress_startup_grace,
        completion_hold_s=variables.vma_progress_completion_hold,
        stall_after_s=variables.vma_progress_stall_after,
        parked_retry_s=variables.vma_progress_parked_retry,
        fail_after_s=variables.vma_progress_fail_after,
        active_statuses=variables.vma_progress_active_statuses,
        write_status=variables.vma_progress_write_status,
    )


def _database(variables: Variables) -> DatabaseAddress:
    file = variables.oma_database_password_file
    if file is None:
        return parse_address(variables.oma_database_url)
    address = parse_address(variables.oma_database_url, read_password(file))
    return replace(address, password_file=file.absolute())


def _vmas(variables: Variables, file: TomlFile | None) -> tuple[tuple[VmaTarget, ...], tuple[VmaRule, ...]]:
    default = VmaTarget(
        DEFAULT_VMA,
        variables.vma_progress_client_url.rstrip("/"),
        token=variables.vma_progress_token,
        ca_file=variables.vma_progress_ca_file,
        cert_file=variables.vma_progress_cert_file,
        key_file=variables.vma_progress_key_file,
    )
    _check_default(default)
    more, rules = read_vma_tables(file.path, file.vma_tables) if file else ((), ())
    check_targets((default, *more))
    return (default, *more), rules


def _check_default(target: VmaTarget) -> None:
    """Check the default VMA piece by piece, so that a wrong one is told by its variable."""
    harmless = "http://localhost"
    pieces = {
        "VMA_PROGRESS_CLIENT_URL": VmaTarget("", target.url),
        "VMA_PROGRESS_CA_FILE": VmaTarget("", harmless, ca_file=target.ca_file),
        "VMA_PROGRESS_CERT_FILE and VMA_PROGRESS_KEY_FILE": VmaTarget(
            "", harmless, cert_file=target.cert_file, key_file=target.key_file
        ),
    }
    for variable, piece in pieces.items():
        try:
            check_target(piece)
        except UsageError as error:
            reason = str(error).removeprefix(f"VMA {piece.name!r}: ")
            raise UsageError(f"{variable}: {reason}") from None


def _unknown(environment: Mapping[str, str]) -> list[str]:
    names = sorted(name for name in environment if name.startswith(_PREFIXES) and name not in NAMES)
    return [
        f"{one_line(name)} in the environment is no variable of this program{hint(name, NAMES)}"
        for name in names[:_UNKNOWN_LIMIT]
    ]
