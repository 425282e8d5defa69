"""What another thread asks of the engine is done on the engine's own thread."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from engine_world import Bench, job
from patience import PATIENCE_S, until

from oma_poller.engine.controls import Controls
from oma_poller.errors import StoppingError


class Engine:
    """A loop on a thread of its own, with a poller that belongs to it."""

    def __init__(self) -> None:
        self.bench = Bench(job(1))
        self.controls = Controls(self.bench.poller)
        self.loop = asyncio.new_event_loop()
        self.woken_on: list[str] = []
        self.looked_on: list[str] = []
        self._thread = threading.Thread(target=self.loop.run_forever, name="engine")
        self._thread.start()

    def attach(self) -> None:
        """Hand the engine's loop over."""
        self.controls.attach(self.loop, self._wake, self._look)

    def _wake(self) -> None:
        self.woken_on.append(threading.current_thread().name)

    def _look(self) -> None:
        self.looked_on.append(threading.current_thread().name)

    def close(self) -> None:
        """End the loop and its thread."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(PATIENCE_S)
            self.loop.close()


@pytest.fixture
def engine() -> Iterator[Engine]:
    """Return an engine that runs."""
    made = Engine()
    yield made
    made.close()


def test_a_stop_and_a_start_are_done_on_the_engines_thread_and_wake_it(engine: Engine) -> None:
    engine.attach()

    async def steer() -> tuple[bool, bool]:
        stopped = await engine.controls.stop("job-00001")
        assert engine.bench.held("job-00001").context.stopped_at is not None
        return stopped, await engine.controls.start("job-00001")

    assert asyncio.run(steer()) == (True, True)
    assert engine.bench.held("job-00001").context.stopped_at is None
    assert until(lambda: len(engine.woken_on) == 2, "both wakes")
    assert set(engine.woken_on) == {"engine"}


def test_a_job_that_is_not_watched_is_told_as_such(engine: Engine) -> None:
    engine.attach()
    assert asyncio.run(engine.controls.stop("job-9")) is False
    assert asyncio.run(engine.controls.start("job-9")) is False


def test_a_discovery_pass_is_begun_on_the_engines_thread(engine: Engine) -> None:
    engine.attach()
    engine.controls.look_now()
    assert until(lambda: engine.looked_on, "the look") == ["engine"]


def test_a_defect_goes_to_whoever_asked(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.attach()

    def broken(_: str) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(engine.bench.poller, "stop", broken)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(engine.controls.stop("job-00001"))
    assert asyncio.run(engine.controls.start("job-00001")) is True


def test_who_gives_up_waiting_leaves_the_engine_unharmed_and_the_job_as_it_was(engine: Engine) -> None:
    engine.attach()
    is_free, failures = threading.Event(), []
    engine.loop.set_exception_handler(lambda _, context: failures.append(context))

    async def give_up() -> None:
        engine.loop.call_soon_threadsafe(is_free.wait, PATIENCE_S)  # it is busy
        wish = asyncio.ensure_future(engine.controls.stop("job-00001"))
        await asyncio.sleep(0)
        wish.cancel()
        await asyncio.gather(wish, return_exceptions=True)

    asyncio.run(give_up())
    is_free.set()
    assert asyncio.run(engine.controls.start("job-00001")) is True
    assert failures == []
    assert engine.bench.held("job-00001").context.stopped_at is None


def test_nothing_can_be_asked_before_the_engine_runs_and_after_it_ended(engine: Engine) -> None:
    with pytest.raises(StoppingError):
        asyncio.run(engine.controls.stop("job-00001"))
    engine.attach()
    engine.close()
    with pytest.raises(StoppingError):
        asyncio.run(engine.controls.start("job-00001"))
    with pytest.raises(StoppingError):
        engine.controls.look_now()
