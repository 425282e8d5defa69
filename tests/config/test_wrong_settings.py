"""A wrong setting is one line: its variable, its value unless that is secret, and what is allowed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oma_poller.config import load_settings
from oma_poller.config.variables import NAMES, read_variables
from oma_poller.errors import UsageError

_DURATION = "like 500ms, 5s, 2m or 1h30m"
_STATUSES = (
    "allowed is a list of statuses with commas between, like queued,running,replicating,"
    " but none that ends a job (cancelled, completed, failed, replication_failed)"
)
_LISTEN = "allowed is HOST:PORT, like 127.0.0.1:8082 or [::1]:8082, or off"
_URL = "allowed is http://HOST[:PORT][/PATH] or https://…, without user, query or fragment"
_DATABASE = (
    "allowed are sqlite:///FILE and mysql://USER[:PASSWORD]@HOST[:PORT]/NAME (mariadb:// too), "
    "with ?unix_socket=PATH or ?ssl_ca=FILE"
)
_MATCH = 'allowed is { vcenter_host = "PATTERN", datacenter = "PATTERN" }, with one of them or both'
_KEYS = "[[vma]] and " + ", ".join(name.lower() for name in NAMES)
_VMA = '[[vma]]\nname = "a"\nurl = "http://a"\n'

WRONG_VARIABLES = [
    ("VMA_PROGRESS_POLL_INTERVAL", "5", f" is '5'; allowed is a duration from 50ms to 1h, {_DURATION}"),
    ("VMA_PROGRESS_POLL_INTERVAL", "0s", f" is '0s'; allowed is a duration from 50ms to 1h, {_DURATION}"),
    ("VMA_PROGRESS_HTTP_TIMEOUT", "1h", f" is '1h'; allowed is a duration from 50ms to 10m, {_DURATION}"),
    (
        "VMA_PROGRESS_DISCOVERY_INTERVAL",
        "soon\n",
        f" is 'soon\\n'; allowed is a duration from 50ms to 1h, {_DURATION}",
    ),
    ("VMA_PROGRESS_STARTUP_GRACE", "-1s", f" is '-1s'; allowed is a duration from 0s to 24h, {_DURATION}"),
    ("VMA_PROGRESS_COMPLETION_HOLD", "25h", f" is '25h'; allowed is a duration from 0s to 24h, {_DURATION}"),
    ("VMA_PROGRESS_STALL_AFTER", "0s", f" is '0s'; allowed is a duration from 100ms to 720h, {_DURATION}"),
    (
        "VMA_PROGRESS_PARKED_RETRY",
        "never",
        f" is 'never'; allowed is 0 or a duration from 100ms to 720h, {_DURATION}",
    ),
    (
        "VMA_PROGRESS_FAIL_AFTER",
        "0",
        f" is '0'; allowed is off or a duration from 100ms to 720h, {_DURATION}",
    ),
    ("VMA_PROGRESS_MAX_CONCURRENT", "0", " is '0'; allowed is a whole number from 1 to 10000"),
    ("VMA_PROGRESS_MAX_CONCURRENT", "ten", " is 'ten'; allowed is a whole number from 1 to 10000"),
    ("VMA_PROGRESS_MAX_ERRORS", "1.5", " is '1.5'; allowed is a whole number from 1 to 100"),
    ("VMA_PROGRESS_MAX_ERRORS", "٣", " is '٣'; allowed is a whole number from 1 to 100"),
    ("VMA_PROGRESS_ACTIVE_STATUSES", " , ", f" is ' , '; {_STATUSES}"),
    ("VMA_PROGRESS_ACTIVE_STATUSES", "running,Failed", f" is 'running,Failed'; {_STATUSES}"),
    ("VMA_PROGRESS_ACTIVE_STATUSES", "running replicating", f" is 'running replicating'; {_STATUSES}"),
    ("VMA_PROGRESS_WRITE_STATUS", "maybe", " is 'maybe'; allowed are true and false"),
    ("VMA_PROGRESS_TOKEN", "s3 cret", " cannot be used; allowed is printable ASCII without blanks"),
    ("VMA_PROGRESS_CLIENT_URL", "ftp://vma", f": URL 'ftp://vma' cannot be used; {_URL}"),
    ("VMA_PROGRESS_CLIENT_URL", "http://me:s3cret@vma", f": the URL holds a user or password; {_URL}"),
    ("VMA_PROGRESS_CA_FILE", "/no/ca.pem", ": cannot read /no/ca.pem: No such file or directory"),
    (
        "VMA_PROGRESS_CERT_FILE",
        "/no/cert.pem",
        " and VMA_PROGRESS_KEY_FILE: a client certificate needs both a cert file and a key file",
    ),
    ("OMA_DATABASE_URL", "oracle://me:s3cret@db/oma", f" has the scheme 'oracle'; {_DATABASE}"),
    (
        "OMA_DATABASE_PASSWORD_FILE",
        "/no/password",
        ": cannot read /no/password: No such file or directory",
    ),
    ("OMA_DATABASE_PASSWORD_FILE", "/", ": cannot read /: Is a directory"),
    ("OMA_API_LISTEN", "8082", f" is '8082'; {_LISTEN}"),
    ("OMA_API_LISTEN", "::1:8082", f" is '::1:8082'; {_LISTEN}"),
    ("OMA_API_LISTEN", "localhost:65536", f" is 'localhost:65536'; {_LISTEN}"),
    ("OMA_API_TOKEN", "s3crét", " cannot be used; allowed is printable ASCII without blanks"),
    ("LOG_LEVEL", "loud", " is 'loud'; allowed are debug, info, warning, error"),
    ("LOG_FORMAT", "xml", " is 'xml'; allowed are auto, console, json"),
]

WRONG_FILES = [
    (
        "poll_interval = '5s'",
        f": unknown key 'poll_interval' (did you mean vma_progress_poll_interval?); allowed are {_KEYS}",
    ),
    ("[database]\nfile = 'x'", f": unknown key 'database_file'; allowed are {_KEYS}"),
    ("log_level = 'info'\nLOG-LEVEL = 'info'", ": log_level is given twice"),
    ("a = = 1", " is not TOML: Invalid value (at line 1, column 5)"),
    ("\x00", " is not TOML: Invalid statement (at line 1, column 1)"),
    ("a = " + "[" * 100_000, " is not TOML that can be read: it is nested too deeply"),
    ("[vma]\nname = 'a'", ": a VMA is written as [[vma]], with two brackets, not as [vma]"),
    ("vma = [1]", ": [[vma]] number 1 is not a table; allowed is [[vma]] with its keys below"),
    (_VMA, f": [[vma]] number 1: match is missing; {_MATCH}"),
    (f"{_VMA}match = 'vc*'", f": [[vma]] number 1: match is no table; {_MATCH}"),
    (f"{_VMA}match = {{}}", f": [[vma]] number 1: match names nothing; {_MATCH}"),
    (
        f"{_VMA}match = {{host = 'a'}}",
        ": [[vma]] number 1: unknown key 'match.host'; allowed are vcenter_host, datacenter",
    ),
    (
        f"{_VMA}match = {{datacenter = 1}}",
        (
            ": [[vma]] number 1: match.datacenter is 1;"
            " allowed is a shell pattern like vc-*.example.com, or an array of them"
        ),
    ),
    (
        f"{_VMA}uri = 'x'\nmatch = {{datacenter = 'a'}}",
        (
            ": [[vma]] number 1: unknown key 'uri';"
            " allowed are name, url, match, token, ca_file, cert_file, key_file"
        ),
    ),
    (
        f"{_VMA}token = 's3 cret'\nmatch = {{datacenter = 'a'}}",
        ": [[vma]] number 1: token cannot be used; allowed is printable ASCII without blanks",
    ),
    (
        "[[vma]]\nname = 'default'\nurl = 'http://a'\nmatch = {datacenter = 'a'}",
        (
            ": [[vma]] number 1: name is 'default';"
            " allowed are 1 to 64 characters of A-Z a-z 0-9 . _ -, but not 'default'"
        ),
    ),
]


def _complaint(file: Path | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        load_settings(file)
    assert caught.value.exit_status == 2
    return str(caught.value)


@pytest.mark.parametrize(("name", "value", "line"), WRONG_VARIABLES)
def test_a_wrong_variable_is_one_line(
    name: str, value: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert _complaint() == name + line


@pytest.mark.parametrize(("text", "line"), WRONG_FILES)
def test_a_wrong_file_is_one_line(text: str, line: str) -> None:
    Path("oma-poller.toml").write_text(text)
    assert _complaint() == f"oma-poller.toml{line}"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "vma_progress_poll_interval = 5",
            (
                "VMA_PROGRESS_POLL_INTERVAL in oma-poller.toml is 5;"
                f" allowed is a duration from 50ms to 1h, {_DURATION}"
            ),
        ),
        (
            "vma_progress_max_errors = true",
            "VMA_PROGRESS_MAX_ERRORS in oma-poller.toml is True; allowed is a whole number from 1 to 100",
        ),
        (
            "oma_api_token = ['s3cret']",
            "OMA_API_TOKEN in oma-poller.toml cannot be used; allowed is printable ASCII without blanks",
        ),
        (f"{_VMA}match = {{datacenter = 'a'}}\n" * 2, "VMA 'a' is configured twice: names must differ"),
        (
            "[[vma]]\nname = 'a'\nurl = 'a:1'\nmatch = {datacenter = 'a'}",
            f"VMA 'a': URL 'a:1' cannot be used; {_URL}",
        ),
    ],
)
def test_a_wrong_value_in_a_file_is_one_line(text: str, line: str) -> None:
    Path("oma-poller.toml").write_text(text)
    assert _complaint() == line


def test_a_named_file_must_be_there() -> None:
    assert (
        _complaint(Path("no.toml")) == "cannot read the configuration file no.toml: No such file or directory"
    )


def test_a_file_must_be_utf_8() -> None:
    Path("oma-poller.toml").write_bytes(b"log_level = '\xff'")
    assert _complaint() == "oma-poller.toml is not TOML: it is not UTF-8 text"


def test_a_link_that_leads_nowhere_is_no_absent_file() -> None:
    Path("oma-poller.toml").symlink_to("gone")
    assert _complaint().startswith("cannot read the configuration file oma-poller.toml")


@pytest.mark.parametrize("content", [b"", b"\n", b"a\nb\n", b"\xff", b"a\0", b"x" * 5000])
def test_a_password_file_holds_one_line(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("password").write_bytes(content)
    monkeypatch.setenv("OMA_DATABASE_PASSWORD_FILE", "password")
    assert _complaint() in {
        "OMA_DATABASE_PASSWORD_FILE: password must hold the password and nothing else, on one line",
        "OMA_DATABASE_PASSWORD_FILE: password is not UTF-8 text",
    }


def test_a_long_value_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "x" * 10_000)
    assert len(_complaint()) < 200


@given(
    name=st.sampled_from(NAMES),
    value=st.one_of(
        st.text(), st.integers(), st.booleans(), st.floats(), st.datetimes(), st.lists(st.text(), max_size=2)
    ),
)
def test_any_value_is_read_or_refused_in_one_line(name: str, value: object) -> None:
    line = name
    try:
        read_variables({name: value}, {name: "file"})
    except UsageError as error:
        line = str(error)
    assert line.startswith(name)
    assert line.isprintable()
