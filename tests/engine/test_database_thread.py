"""A thread whose calls run in order, and that can be left behind."""

import asyncio
import subprocess
import sys
from concurrent.futures import CancelledError
from threading import Event, current_thread

import pytest

from oma_poller.engine.database_thread import DatabaseThread

PATIENCE_S = 30.0


def test_calls_run_in_order_on_one_thread_of_its_own() -> None:
    thread = DatabaseThread("reads")
    ran: list[int] = []
    futures = [thread.submit(ran.append, number) for number in range(100)]
    name = thread.submit(lambda: current_thread().name).result(PATIENCE_S)
    assert ran == list(range(100))
    assert all(future.done() for future in futures)
    assert name == "reads"
    assert thread.close(PATIENCE_S)


def test_a_call_that_raises_harms_no_other() -> None:
    thread = DatabaseThread("reads")
    failing = thread.submit(int, "no number")
    assert thread.submit(int, "7", base=8).result(PATIENCE_S) == 7
    with pytest.raises(ValueError, match="no number"):
        failing.result(PATIENCE_S)
    assert thread.close(PATIENCE_S)


def test_closing_waits_for_what_was_queued() -> None:
    thread = DatabaseThread("writes")
    ran: list[int] = []
    for number in range(10):
        thread.submit(ran.append, number)
    assert thread.close(PATIENCE_S)
    assert len(ran) == 10
    assert thread.close(PATIENCE_S)


def test_a_closed_thread_takes_no_call() -> None:
    thread = DatabaseThread("writes")
    thread.shutdown()
    with pytest.raises(RuntimeError, match="no more calls"):
        thread.submit(print)


def test_a_call_that_hangs_is_left_behind() -> None:
    thread, running, release = DatabaseThread("writes"), Event(), Event()

    def hang() -> bool:
        running.set()
        return release.wait(PATIENCE_S)

    hanging = thread.submit(hang)
    assert running.wait(PATIENCE_S)
    assert not thread.close(0.01)
    release.set()
    assert hanging.result(PATIENCE_S) is True
    assert thread.close(PATIENCE_S)


def test_calls_that_have_not_begun_can_be_dropped() -> None:
    thread, running, release = DatabaseThread("writes"), Event(), Event()

    def hang() -> bool:
        running.set()
        return release.wait(PATIENCE_S)

    hanging = thread.submit(hang)
    assert running.wait(PATIENCE_S)
    queued = thread.submit(int)
    thread.shutdown(wait=False, cancel_futures=True)
    release.set()
    assert hanging.result(PATIENCE_S) is True
    with pytest.raises(CancelledError):
        queued.result(PATIENCE_S)


def test_a_call_whose_caller_stopped_waiting_is_not_begun() -> None:
    thread, running, release = DatabaseThread("writes"), Event(), Event()
    ran: list[int] = []

    def hang() -> bool:
        running.set()
        return release.wait(PATIENCE_S)

    async def give_up() -> None:
        loop = asyncio.get_running_loop()
        hanging = loop.run_in_executor(thread, hang)
        queued = loop.run_in_executor(thread, ran.append, 1)
        await loop.run_in_executor(None, running.wait, PATIENCE_S)
        queued.cancel()
        await asyncio.sleep(0)  # the loop hands the cancellation on
        release.set()
        assert await hanging is True

    asyncio.run(give_up())
    assert thread.close(PATIENCE_S)
    assert ran == []


_LEFT_BEHIND = """
import asyncio, sys, threading
from oma_poller.engine.database_thread import DatabaseThread

async def main():
    thread, running = DatabaseThread("writes"), threading.Event()
    def hang():
        running.set()
        threading.Event().wait()
    future = asyncio.get_running_loop().run_in_executor(thread, hang)
    running.wait()
    future.cancel()
    thread.close(0.01)

asyncio.run(main())
sys.exit(0)
"""


def test_a_program_ends_although_a_call_hangs() -> None:
    program = [sys.executable, "-c", _LEFT_BEHIND]
    ended = subprocess.run(program, capture_output=True, timeout=PATIENCE_S, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
