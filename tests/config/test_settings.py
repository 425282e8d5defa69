"""Settings: where a value comes from, what it becomes, and what is advised."""

from pathlib import Path

import pytest

from oma_poller.config import Settings, load_settings, wants_debug
from oma_poller.database.address import parse_address
from oma_poller.model.policy import Policy
from oma_poller.model.vma import VmaRule
from oma_poller.vma.target import VmaTarget
from oma_poller.web.settings import ApiSettings


def _write(text: str, name: str = "oma-poller.toml") -> Path:
    Path(name).write_text(text)
    return Path(name)


def test_with_nothing_configured_everything_is_the_contracts_default() -> None:
    assert load_settings() == Settings(
        database=parse_address("sqlite:///oma-poller.db"),
        policy=Policy(
            interval_s=5.0,
            max_errors=5,
            startup_grace_s=30.0,
            completion_hold_s=30.0,
            stall_after_s=300.0,
            parked_retry_s=300.0,
            fail_after_s=None,
            active_statuses=frozenset({"queued", "running", "replicating"}),
            write_status=True,
        ),
        targets=(VmaTarget("default", "http://localhost:9081"),),
        rules=(),
        max_concurrent=10,
        http_timeout_s=10.0,
        discovery_interval_s=5.0,
        api=ApiSettings(listen=("127.0.0.1", 8082)),
        log_level="info",
        log_format="auto",
        warnings=(),
        config_file=None,
        given=(),
    )


def test_every_variable_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "VMA_PROGRESS_CLIENT_URL": "http://vma:9081/base//",
        "VMA_PROGRESS_POLL_INTERVAL": "2s",
        "VMA_PROGRESS_MAX_CONCURRENT": "20",
        "VMA_PROGRESS_MAX_ERRORS": "7",
        "VMA_PROGRESS_HTTP_TIMEOUT": "500ms",
        "VMA_PROGRESS_DISCOVERY_INTERVAL": "1m",
        "VMA_PROGRESS_STARTUP_GRACE": "0s",
        "VMA_PROGRESS_COMPLETION_HOLD": "1h30m",
        "VMA_PROGRESS_STALL_AFTER": " 10m ",
        "VMA_PROGRESS_PARKED_RETRY": "0",
        "VMA_PROGRESS_FAIL_AFTER": "2h",
        "VMA_PROGRESS_ACTIVE_STATUSES": " Running, streaming ,",
        "VMA_PROGRESS_WRITE_STATUS": "No",
        "VMA_PROGRESS_TOKEN": "t0ken",
        "OMA_DATABASE_URL": "mysql://oma@db/oma",
        "OMA_API_LISTEN": "[::]:80",
        "OMA_API_TOKEN": "api-t0ken",
        "OMA_API_TOKEN_READ": "yes",
        "OMA_API_ALLOWED_HOSTS": "OMA.example.net., oma",
        "OMA_METRICS_PER_JOB": "true",
        "LOG_LEVEL": "DEBUG",
        "LOG_FORMAT": "json",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.policy == Policy(
        interval_s=2.0,
        max_errors=7,
        startup_grace_s=0.0,
        completion_hold_s=5400.0,
        stall_after_s=600.0,
        parked_retry_s=0.0,
        fail_after_s=7200.0,
        active_statuses=frozenset({"running", "streaming"}),
        write_status=False,
    )
    assert settings.targets == (VmaTarget("default", "http://vma:9081/base", token="t0ken"),)  # noqa: S106 - made up
    assert settings.database == parse_address("mysql://oma@db/oma")
    assert (settings.max_concurrent, settings.http_timeout_s, settings.discovery_interval_s) == (
        20,
        0.5,
        60.0,
    )
    assert settings.api == ApiSettings(
        listen=("::", 80),
        token="api-t0ken",  # noqa: S106 - made up
        token_for_reading=True,
        allowed_hosts=("oma.example.net", "oma"),
        metrics_per_job=True,
    )
    assert (settings.log_level, settings.log_format) == ("debug", "json")
    assert {item.variable: item.origin for item in settings.given} == dict.fromkeys(given, "environment")
    assert wants_debug()


def test_the_environment_goes_before_the_file_and_the_file_before_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _write('vma_progress_poll_interval = "2s"\nvma_progress_max_errors = 3\nlog_level = "debug"\n')
    monkeypatch.setenv("VMA_PROGRESS_POLL_INTERVAL", "1s")
    monkeypatch.setenv("LOG_LEVEL", "")
    settings = load_settings()
    assert (settings.policy.interval_s, settings.policy.max_errors) == (1.0, 3)
    assert settings.log_level == "debug", "an empty variable is as one that is not set"
    assert settings.max_concurrent == 10
    assert [(item.variable, item.value, item.origin) for item in settings.given] == [
        ("VMA_PROGRESS_POLL_INTERVAL", "'1s'", "environment"),
        ("VMA_PROGRESS_MAX_ERRORS", "3", "oma-poller.toml"),
        ("LOG_LEVEL", "'debug'", "oma-poller.toml"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        'vma_progress_poll_interval = "2s"',
        'VMA_PROGRESS_POLL_INTERVAL = "2s"',
        'vma-progress-poll-interval = "2s"',
        '[vma_progress]\npoll_interval = "2s"',
        '[vma-progress]\nPoll-Interval = "2s"',
    ],
)
def test_a_key_may_be_written_as_operators_would_try(text: str) -> None:
    _write(text)
    assert load_settings().policy.interval_s == 2.0


def test_toml_types_are_taken_where_they_fit() -> None:
    _write(
        'vma_progress_active_statuses = ["Running", "streaming"]\nvma_progress_write_status = false\n'
        'vma_progress_parked_retry = 0\nvma_progress_max_errors = "4"\noma_api_token = ""\n'
    )
    policy = load_settings().policy
    assert policy.active_statuses == {"running", "streaming"}
    assert (policy.write_status, policy.parked_retry_s, policy.max_errors) == (False, 0.0, 4)
    assert load_settings().api.token is None


def test_a_file_can_be_named() -> None:
    _write('log_level = "error"')
    named = _write('log_level = "debug"', "other.toml")
    settings = load_settings(named)
    assert (settings.log_level, settings.config_file) == ("debug", named)


def test_vma_tables_become_targets_and_rules() -> None:
    _write(
        """
[[vma]]
name = "a"
url = "https://a:9081/"
token = "t0ken"
match = { vcenter_host = ["vc-1*", "vc-2*"], datacenter = "DC-*" }

[[vma]]
name = "b"
url = "http://b"
[vma.match]
datacenter = "East"
"""
    )
    settings = load_settings()
    assert settings.targets == (
        VmaTarget("default", "http://localhost:9081"),
        VmaTarget("a", "https://a:9081", token="t0ken"),  # noqa: S106 - made up
        VmaTarget("b", "http://b"),
    )
    assert settings.rules == (
        VmaRule("a", vcenter_host="vc-1*", datacenter="DC-*"),
        VmaRule("a", vcenter_host="vc-2*", datacenter="DC-*"),
        VmaRule("b", datacenter="East"),
    )


@pytest.mark.parametrize("text", ["pa ss", "pa ss\n", "pa ss\r\n"])
def test_the_password_is_read_from_its_file(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("password").write_bytes(text.encode())
    monkeypatch.setenv("OMA_DATABASE_URL", "mariadb://oma@db/oma")
    monkeypatch.setenv("OMA_DATABASE_PASSWORD_FILE", "password")
    assert load_settings().database.password == "pa ss"  # noqa: S105 - made up


def test_no_secret_is_ever_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VMA_PROGRESS_TOKEN", "s3cret")
    monkeypatch.setenv("OMA_API_TOKEN", "s3cret")
    monkeypatch.setenv("OMA_DATABASE_URL", "mysql://oma:s3cret@db/oma")
    settings = load_settings()
    assert len(settings.given) == 3
    assert "s3cret" not in repr(settings) + repr(settings.given) + repr(settings.warnings)


@pytest.mark.parametrize(
    ("variables", "warning"),
    [
        (
            {"VMA_PROGRESS_POLL_INTERVALL": "5s"},
            (
                "VMA_PROGRESS_POLL_INTERVALL in the environment is no variable of this program"
                " (did you mean VMA_PROGRESS_POLL_INTERVAL?)"
            ),
        ),
        ({"OMA_COLOUR": "red"}, "OMA_COLOUR in the environment is no variable of this program"),
        (
            {"VMA_PROGRESS_POLL_INTERVAL": "100ms"},
            "VMA_PROGRESS_POLL_INTERVAL is 100ms: each VMA is asked more than twice a second for every disk",
        ),
        (
            {"VMA_PROGRESS_STALL_AFTER": "9s"},
            (
                "VMA_PROGRESS_STALL_AFTER is 9s, less than two intervals:"
                " a copy that moves may be called stalled"
            ),
        ),
        (
            {"VMA_PROGRESS_FAIL_AFTER": "1m"},
            (
                "VMA_PROGRESS_FAIL_AFTER is 1m, less than VMA_PROGRESS_STALL_AFTER:"
                " a job fails before it is called stalled"
            ),
        ),
    ],
)
def test_what_is_allowed_and_hardly_meant_is_a_warning(
    variables: dict[str, str], warning: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert load_settings().warnings == (warning,)


def test_more_polls_than_open_files_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _what: (1024, 4096))
    monkeypatch.setenv("VMA_PROGRESS_MAX_CONCURRENT", "1000")
    assert load_settings().warnings == (
        (
            "VMA_PROGRESS_MAX_CONCURRENT is 1000, but this process may have only 1024 files and"
            " connections open (ulimit -n)"
        ),
    )


def test_a_password_for_sqlite_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("password").write_text("x")
    monkeypatch.setenv("OMA_DATABASE_PASSWORD_FILE", "password")
    assert load_settings().warnings == (
        "OMA_DATABASE_PASSWORD_FILE is set, but an SQLite database has no password",
    )


def test_many_unknown_variables_are_told_of_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(50):
        monkeypatch.setenv(f"OMA_OTHER_{number}", "1")
    assert len(load_settings().warnings) == 10
