"""Log lines: their shape on a terminal and as JSON, and what can never be forged in them."""

import json
import logging
import re
import sys
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from process_state import process_as_before

from oma_poller.logs import _Bridge, _console, _json_line, get_logger, one_line, set_up

_NASTY = "web\n2026 error forged\r\x1b[31m\u2028\x85\0\u202e"


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Leave the process's logging as it was."""
    with process_as_before():
        yield


def test_an_event_is_one_json_object_with_its_job(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", "json")
    get_logger().info("job taken up", job_id="job-1", keys=("a", "b"), percent=2.5, error=None)
    captured = capsys.readouterr()
    line = json.loads(captured.err)
    assert captured.out == ""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("timestamp"))
    assert line == {
        "level": "info",
        "event": "job taken up",
        "job_id": "job-1",
        "keys": ["a", "b"],
        "percent": 2.5,
        "error": None,
    }


def test_a_console_line_is_plain_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", "console")
    get_logger().warning("job parked", job_id="job-1", name="web server", empty="", nothing=None)
    line = capsys.readouterr().err
    assert re.fullmatch(r"\S+Z warning job parked job_id=job-1 name='web server' empty=''\n", line)


def test_auto_is_json_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", "auto")
    get_logger().info("started")
    assert json.loads(capsys.readouterr().err)["event"] == "started"


def test_what_is_below_the_level_is_not_said(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("warning", "json")
    log = get_logger()
    log.debug("a")
    log.info("b")
    log.error("c")
    assert json.loads(capsys.readouterr().err)["event"] == "c"


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_value_key_or_event_can_begin_another_line(
    log_format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up("info", log_format)
    get_logger().info(_NASTY, job_id=_NASTY, keys=[_NASTY], **{_NASTY: Path(_NASTY)})
    text = capsys.readouterr().err
    assert text.endswith("\n")
    assert text[:-1].isprintable()


@given(event=st.text(), value=st.text(), name=st.text(min_size=1))
def test_a_line_prints_whatever_is_in_it(event: str, value: str, name: str) -> None:
    for render in (_console(coloured=False), _json_line):
        line = render("now", "info", {"event": event, f"x{name}": value, "list": [value]})
        assert line.isprintable()


@given(st.text())
def test_text_on_one_line_is_unchanged_where_it_prints(text: str) -> None:
    assert one_line(text).isprintable()
    if text.isprintable():
        assert one_line(text) == text


def test_colours_mark_level_and_event() -> None:
    line = _console(coloured=True)("now", "error", {"event": "gone", "job_id": "j"})
    assert "\033[31merror" in line
    assert "\033[1mgone" in line
    assert line.count("\033[0m") == 4


class _Unshowable:
    def __str__(self) -> str:
        raise TypeError("no text")

    def __repr__(self) -> str:
        return "<unshowable>"


@pytest.mark.parametrize("value", [float("nan"), {("a", 1): 2}, _Unshowable()])
def test_a_value_that_json_cannot_hold_is_told_all_the_same(value: object) -> None:
    assert json.loads(_json_line("now", "info", {"event": "e", "value": value}))["value"] == repr(value)


def test_a_field_never_hides_the_time_or_the_level() -> None:
    line = json.loads(_json_line("now", "info", {"event": "e", "level": "x", "timestamp": "y"}))
    assert line == {"timestamp": "now", "level": "info", "event": "e", "level_": "x", "timestamp_": "y"}


def test_the_gravest_events_are_errors(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("error", "json")
    get_logger().critical("a")
    get_logger().exception("b", exc_info=ValueError("c"))
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["level"], line["event"]) for line in lines] == [("error", "a"), ("error", "b")]


def test_an_exception_is_one_line_without_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", "console")
    get_logger().error("thread failed", exc_info=ValueError("bad\nthing"))
    line = capsys.readouterr().err
    assert line.endswith("exception='ValueError: bad\\nthing'\n")


def test_at_debug_an_exception_brings_its_traceback_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("debug", "json")
    try:
        int("bad")
    except ValueError:
        get_logger().error("failed", exc_info=True)
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert json.loads(line)["exception"].startswith("Traceback (most recent call last):\n")


def test_libraries_go_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", "json")
    library = logging.getLogger("some.library")  # a real one may have been given a level of its own
    library.info("Running on %s", "http://x\n")
    library.debug("hidden")
    line = json.loads(capsys.readouterr().err)
    del line["timestamp"]
    assert line == {"level": "info", "event": "Running on http://x\n", "logger": "some.library"}


def test_a_library_whose_message_does_not_fit_its_arguments_is_heard(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up("info", "json")
    _Bridge().emit(logging.LogRecord("odd", logging.WARNING, "", 1, "odd %d", ("no number",), None))
    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["event"]) == ("warning", "odd %d")


def test_set_up_twice_says_everything_once(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", "json")
    set_up("info", "console")
    logging.getLogger("library").error("once")
    assert re.fullmatch(r"\S+Z error   once logger=library\n", capsys.readouterr().err)


def test_a_thread_that_fails_says_so_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", "json")
    thread = threading.Thread(target=lambda: int("x"), name="worker")
    thread.start()
    thread.join()
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["thread"]) == ("thread failed", "worker")
    assert line["exception"] == "ValueError: invalid literal for int() with base 10: 'x'"


class _Full:
    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")

    def isatty(self) -> bool:
        return False


def test_a_log_that_cannot_be_written_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", _Full())
    set_up("info", "json")
    get_logger().error("lost")
    monkeypatch.setattr(sys, "stderr", None)
    set_up("info", "auto")
    get_logger().error("lost too")
    heard = StringIO()
    monkeypatch.setattr(sys, "stderr", heard)
    get_logger().error("heard again")
    assert "heard again" in heard.getvalue()
    assert "lost" not in heard.getvalue()
