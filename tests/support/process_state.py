"""What the program sets for its whole process, put back after a test that ran it in this one."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def process_as_before() -> Iterator[None]:
    """Put back signal handlers, logging, and what is called when a thread fails."""
    root, hook = logging.getLogger(), threading.excepthook
    handlers, level = list(root.handlers), root.level
    taken = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        yield
    finally:
        structlog.reset_defaults()
        root.handlers[:], root.level = handlers, level
        logging.captureWarnings(capture=False)
        threading.excepthook = hook
        for number, handler in taken.items():
            signal.signal(number, handler)
