"""What becomes of a job whose polling a person stops, and starts again."""

from datetime import timedelta

from core_values import NOW, a_reading
from job_story import REFUSED, Story, by_exports, copying, failed
from msgspec.structs import replace

from oma_poller.core.notebook import Notebook
from oma_poller.core.stopping import STOPPED, started, stopped
from oma_poller.model.observation import Observation

LATER = NOW + timedelta(minutes=5)


def test_a_stopped_job_is_parked_by_hand_and_keeps_its_numbers() -> None:
    story = Story(by_exports(1))
    story.poll(copying(40))
    context = stopped(story.context, LATER)
    assert (context.sighting.observation, context.sighting.reason) == (Observation.PARKED, STOPPED)
    assert (context.sighting.since, context.stopped_at) == (LATER, LATER)
    assert context.bytes_transferred == 40
    assert context.state is story.context.state
    assert context.consecutive_errors == 0


def test_to_stop_twice_changes_nothing() -> None:
    story = Story(by_exports(1))
    story.poll(copying(40))
    context = stopped(story.context, NOW)
    assert stopped(context, LATER) is context


def test_what_must_be_said_twice_in_a_row_starts_again_after_a_stop() -> None:
    story = Story(by_exports(2))
    story.poll(failed(), a_reading(50, 100))
    assert [run and run.ended_polls for run in story.context.runs] == [1, 0]
    context = stopped(replace(story.context, runs=(*story.context.runs, None)), NOW)
    assert [run and run.ended_polls for run in context.runs] == [0, 0, None]
    assert context.clear_since_s is None


def test_a_started_job_begins_without_errors_whatever_kept_it() -> None:
    story = Story(by_exports(1))
    for _ in range(5):
        story.poll(REFUSED, after_s=60.0)
    assert story.context.is_parked
    for context in (story.context, stopped(story.context, NOW)):
        begun = started(context, LATER)
        assert (begun.consecutive_errors, begun.error_kind, begun.stopped_at) == (0, "", None)
        assert (begun.sighting.observation, begun.sighting.since) == (Observation.PENDING, LATER)


def test_to_start_a_job_that_is_polled_leaves_how_it_is_seen() -> None:
    story = Story(by_exports(1))
    story.poll(copying(40))
    assert started(story.context, LATER) == story.context


def test_that_a_job_is_stopped_is_remembered_at_once() -> None:
    story = Story(by_exports(1))
    story.poll(copying(40))
    notebook = Notebook()
    notebook.put(story.context, 0.0, with_row=False)
    assert notebook.take((), 10, 0.0, NOW)
    notebook.confirm()
    notebook.put(replace(story.context, stopped_at=NOW), 1.0, with_row=False)
    (memory,) = notebook.take((), 10, 1.0, NOW)
    assert memory.context.stopped_at == NOW
