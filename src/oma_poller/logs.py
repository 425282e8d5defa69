"""How events become lines: one line an event on standard error, for a terminal or as JSON."""

import json
import logging
import sys
import threading
import traceback
from collections.abc import Callable, MutableMapping
from typing import Any

from oma_poller.clock import SystemClock
from oma_poller.imports import without

with without("rich", "greenlet"):  # 4 MB, for tracebacks and threads of a kind that are not used here
    import structlog
    from structlog.typing import FilteringBoundLogger

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
FORMATS = ("auto", "console", "json")

_Fields = MutableMapping[str, Any]
_Render = Callable[[str, str, dict[str, object]], str]
"""Timestamp, level and the rest of an event to a line without its end."""
_RESET, _BOLD, _DIM = "\033[0m", "\033[1m", "\033[2m"
_COLOURS = {"debug": _DIM, "info": "\033[32m", "warning": "\033[33m", "error": "\033[31m"}


def get_logger() -> FilteringBoundLogger:
    """Return a logger. Call it after `set_up`: what was made before keeps the set-up of then."""
    logger: FilteringBoundLogger = structlog.get_logger().bind()
    return logger


def set_up(level: str = "info", log_format: str = "auto", /) -> None:
    """Send the events of this program and of its libraries to standard error.

    *level* is a key of LEVELS and *log_format* one of FORMATS; `auto` is `console` on a terminal, else
    `json`. May be called again.
    """
    on_terminal = sys.stderr is not None and sys.stderr.isatty()
    as_console = log_format == "console" or (log_format == "auto" and on_terminal)
    render = _console(coloured=on_terminal and _wants_colour()) if as_console else _json_line
    structlog.configure(
        processors=[_Line(render, with_traceback=level == "debug")],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=_StandardError,
        cache_logger_on_first_use=False,
    )
    _take_over_libraries(LEVELS[level])


def one_line(text: str) -> str:
    r"""Return *text* with everything that does not print (line breaks, escapes) written as `\n`, `\x1b`."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _wants_colour() -> bool:
    from rich.console import Console  # noqa: PLC0415 - rich takes a while, and only a terminal needs it

    console = Console(stderr=True)  # knows NO_COLOR and dumb terminals
    return console.color_system is not None and not console.no_color


class _StandardError:
    """Writes whole lines to standard error, whatever it is at that moment."""

    _lock = threading.Lock()

    def __init__(self, *_args: object) -> None:
        pass

    def msg(self, line: str) -> None:
        """Write *line* and its end at once. A log that cannot be written stops nothing."""
        try:
            with self._lock:
                sys.stderr.write(line + "\n")
                sys.stderr.flush()
        except (OSError, ValueError, AttributeError):
            return  # the pipe is closed, the disk is full, or there is no standard error

    debug = info = warning = error = critical = exception = msg


class _Line:
    """The one processor: an event's fields to its line."""

    def __init__(self, render: _Render, *, with_traceback: bool) -> None:
        self._render = render
        self._with_traceback = with_traceback
        self._clock = SystemClock()

    def __call__(self, _logger: object, method: str, fields: _Fields) -> str:
        stamp = self._clock.utc().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        reason = fields.pop("exc_info", None)
        rest: dict[str, object] = {"event": fields.pop("event", ""), **fields}
        if reason:
            rest["exception"] = self._explain(reason)
        level = {"critical": "error", "exception": "error"}.get(method, method)
        return self._render(stamp, level, rest)

    def _explain(self, reason: object) -> str:
        error = reason if isinstance(reason, BaseException) else sys.exc_info()[1]
        if isinstance(reason, tuple):
            error = reason[1]
        if error is None:
            return ""
        if self._with_traceback:
            return "".join(traceback.format_exception(error)).rstrip()
        return f"{type(error).__name__}: {error}"


def _json_line(stamp: str, level: str, fields: dict[str, object]) -> str:
    # ASCII only: every character that some reader takes for the end of a line is escaped.
    line: dict[str, object] = {"timestamp": stamp, "level": level}
    line |= {f"{name}_" if name in line else name: value for name, value in fields.items()}
    try:
        return json.dumps(line, allow_nan=False, default=str)
    except (ValueError, TypeError, RecursionError):
        return json.dumps({name: repr(value) for name, value in line.items()})


def _console(*, coloured: bool) -> _Render:
    def paint(text: str, colour: str) -> str:
        return f"{colour}{text}{_RESET}" if coloured else text

    def render(stamp: str, level: str, fields: dict[str, object]) -> str:
        event = paint(one_line(str(fields.pop("event"))), _BOLD)
        shown = [
            f"{paint(one_line(name), _DIM)}={_value(value)}"
            for name, value in fields.items()
            if value is not None
        ]
        return " ".join([paint(stamp, _DIM), paint(f"{level:<7}", _COLOURS[level]), event, *shown])

    return render


def _value(value: object) -> str:
    """Return a value as it is where that is one plain word, else quoted, with control characters escaped."""
    if isinstance(value, str):
        plain = value.isprintable() and value != "" and not set(value) & set(" ='\"")
        return str(value) if plain else repr(str(value))
    return one_line(str(value))


class _Bridge(logging.Handler):
    """Takes what libraries tell the standard logging module."""

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record on; one whose arguments do not fit its message is shown without them."""
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - any __str__ may be called in there, and a log line must not raise
            message = str(record.msg)
        log = get_logger()
        say = log.debug
        for at_least, method in (
            (logging.ERROR, log.error),
            (logging.WARNING, log.warning),
            (logging.INFO, log.info),
        ):
            if record.levelno >= at_least:
                say = method
                break
        say(message, logger=record.name, exc_info=record.exc_info)


def _take_over_libraries(level: int) -> None:
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Bridge)]:
        root.removeHandler(handler)
    root.addHandler(_Bridge())
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    threading.excepthook = _thread_failed


def _thread_failed(failure: threading.ExceptHookArgs) -> None:
    name = failure.thread.name if failure.thread else "?"
    get_logger().error("thread failed", thread=name, exc_info=failure.exc_value)
