"""The status page: what a row is in words, and that it fits a terminal of any width."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.console import Console

from oma_poller.cli.status_screen import lines_a_job, status_screen
from oma_poller.cli.status_words import in_words, page_document, plain_line
from oma_poller.database.status_rows import StatusPage, StatusRow

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
ROW = StatusRow(
    job_id="job-20250905-162427",
    name="pgtest1",
    status="replicating",
    percent_bp=217,
    operation="Transfer",
    bytes_transferred=933_232_640,
    total_bytes=42_949_672_960,
    speed_bps=3_145_728,
    eta_s=200,
    observation="fresh",
    reason="",
    updated_at=NOW - timedelta(seconds=3),
    error_message="",
)


def _drawn(page: StatusPage, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    console.print(status_screen(page, NOW, width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_a_row_in_words() -> None:
    words = in_words(ROW, NOW)
    assert (words.percent, words.moved) == ("2.17 %", "890.00 MiB of 40.00 GiB")
    assert (words.speed, words.eta, words.seen, words.age) == ("3.00 MiB/s", "3m20s", "fresh", "3s ago")
    assert plain_line(words) == (
        "job-20250905-162427  pgtest1  replicating  2.17 %  890.00 MiB of 40.00 GiB"
        "  3.00 MiB/s  ETA 3m20s  fresh  Transfer"
    )


def test_what_the_database_does_not_tell_is_a_dash() -> None:
    bare = StatusRow(
        job_id="j",
        name="",
        status="",
        percent_bp=None,
        operation="",
        bytes_transferred=None,
        total_bytes=None,
        speed_bps=None,
        eta_s=None,
        observation="",
        reason="",
        updated_at=None,
        error_message="",
    )
    assert plain_line(in_words(bare, NOW)) == "j  -  -  -  -  -  ETA -  -"
    assert in_words(bare, NOW).age == "-"


@pytest.mark.parametrize(
    ("observation", "words"),
    [
        ("blind", "VMA unreachable"),
        ("stalled", "stands still"),
        ("another_programs_word", "another_programs_word"),
    ],
)
def test_an_observation_is_told_in_words(observation: str, words: str) -> None:
    told = in_words(replace(ROW, observation=observation), NOW)
    assert (told.seen, told.well) == (words, False)


@pytest.mark.parametrize(
    ("observation", "reason", "words"),
    [
        ("parked", "stopped by hand; it is polled again once somebody starts it", "stopped by hand"),
        ("parked", "5 errors in a row", "parked after errors"),
        ("pending", "the VMA does not know\nthe job yet", "the VMA does not know\\nthe job yet"),
        ("pending", "", "not polled yet"),
    ],
)
def test_why_a_job_is_not_polled_is_told(observation: str, reason: str, words: str) -> None:
    assert in_words(replace(ROW, observation=observation, reason=reason), NOW).seen == words


def test_an_ended_job_shows_its_error_and_no_speed() -> None:
    ended = in_words(replace(ROW, status="failed", error_message="disk full", observation="fresh"), NOW)
    assert (ended.speed, ended.eta, ended.seen, ended.operation) == ("-", "-", "-", "disk full")
    assert (ended.over, ended.well) == (True, False)


@pytest.mark.parametrize("width", [20, 40, 80, 159, 160, 250])
def test_the_page_fits_its_terminal(width: int) -> None:
    page = StatusPage((ROW, replace(ROW, job_id="j" * 300, name="n" * 300, operation="o" * 300)), 7)
    lines = _drawn(page, width)
    assert all(len(line) <= width for line in lines)
    assert lines[-1].strip() == "and 5 more"
    assert len(lines) <= 2 * lines_a_job(width) + 2


def test_a_narrow_terminal_still_shows_how_far() -> None:
    text = "\n".join(_drawn(StatusPage((ROW,), 1), 60))
    for part in (
        "job-20250905-162427",
        "replicating",
        "2.17 %",
        "890.00 MiB of 40.00 GiB",
        "ETA 3m20s",
        "fresh",
    ):
        assert part in text


def test_a_wide_terminal_shows_all() -> None:
    [heading, line] = _drawn(StatusPage((ROW,), 1), 180)
    assert heading.split() == [
        "JOB",
        "VM",
        "STATUS",
        "PROGRESS",
        "BYTES",
        "SPEED",
        "ETA",
        "SEEN",
        "UPDATED",
        "OPERATION",
    ]
    for part in ("pgtest1", "2.17 %", "3.00 MiB/s", "fresh", "3s ago", "Transfer"):
        assert part in line


def test_nothing_is_cut_where_no_terminal_sets_a_limit() -> None:
    long = replace(ROW, job_id="j" * 190, name="n" * 255, operation="o" * 255)
    line = _drawn(StatusPage((long,), 1), 5_000)[1]
    assert all(text in line for text in (long.job_id, long.name, long.operation))


def test_a_bar_grows_with_the_percentage() -> None:
    drawn = [
        _drawn(StatusPage((replace(ROW, percent_bp=points),), 1), 180)[1].count("━")
        for points in (0, 5000, 10_000)
    ]
    assert drawn == [0, 10, 20]


@pytest.mark.parametrize("name", ["[red]x", "[/]", "[link=x]y[/link]"])
def test_a_name_with_brackets_shows_as_such(name: str) -> None:
    for width in (80, 180):
        assert name in "\n".join(_drawn(StatusPage((replace(ROW, name=name),), 1), width))


@given(text=st.text(), width=st.integers(20, 200))
def test_no_text_of_the_database_breaks_the_page(text: str, width: int) -> None:
    row = replace(ROW, job_id=text, name=text, status=text, operation=text, observation=text)
    lines = _drawn(StatusPage((row,), 1), width)
    assert all(line.isprintable() for line in lines)
    assert plain_line(in_words(row, NOW)).isprintable()


def test_no_job_is_said() -> None:
    assert _drawn(StatusPage((), 0), 80) == ["no job to show"]


def test_the_document_has_stable_fields() -> None:
    assert page_document(StatusPage((ROW,), 4), "sqlite:///x", NOW) == {
        "at": NOW,
        "database": "sqlite:///x",
        "total": 4,
        "jobs": [
            {
                "job_id": "job-20250905-162427",
                "name": "pgtest1",
                "status": "replicating",
                "percent": 2.17,
                "bytes_transferred": 933_232_640,
                "total_bytes": 42_949_672_960,
                "speed_bps": 3_145_728,
                "eta_s": 200,
                "operation": "Transfer",
                "observation": "fresh",
                "reason": None,
                "error_message": None,
                "updated_at": NOW - timedelta(seconds=3),
                "age_s": 3.0,
            }
        ],
    }
