"""A thread that speaks to the database, and that can be left behind when the database hangs."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from threading import Lock, Thread
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_Call = Callable[[], None]


class DatabaseThread(Executor):
    """Runs calls one after the other, in the order they came, on one thread of its own.

    A ThreadPoolExecutor would do, but the interpreter waits for its threads at exit, without end where a
    call hangs. This one is a daemon: whoever closes it decides how long to wait (P10).
    """

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._lock = Lock()
        self._closed = False
        self._skipping = False
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Queue a call; return what will hold its result. Raises RuntimeError once it is closed."""
        future: Future[T] = Future()

        def call() -> None:
            if self._skipping:
                future.cancel()
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to who waits for the result
                future.set_exception(error)
            else:
                future.set_result(result)

        with self._lock:
            if self._closed:
                raise RuntimeError("this thread takes no more calls")
            self._calls.put(call)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - the signature of Executor
        """Take no more calls; with *wait*, return when those that were queued are done.

        With *cancel_futures* those that have not begun are not run.
        """
        self._skipping = cancel_futures
        self.close(None if wait else 0.0)

    def close(self, within_s: float | None) -> bool:
        """Take no more calls, and wait *within_s* for those that were queued; return whether all are done.

        A call that hangs is left behind: it does not keep the program from ending. None waits for ever.
        """
        with self._lock:
            if not self._closed:
                self._closed = True
                self._calls.put(None)
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            del call  # what it holds must not live on until the next one
