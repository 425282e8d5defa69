"""What a decision tells: events once each, and the words of an end."""

from job_story import BROKEN, REFUSED, Story, cancelled, copying, failed
from msgspec.structs import replace

from oma_poller.model.decision import EventKind
from oma_poller.model.observation import Observation


def test_an_error_is_told_when_it_begins_changes_and_ends() -> None:
    story = Story()
    told = []
    for outcome in (copying(1), REFUSED, REFUSED, BROKEN, BROKEN, copying(2), copying(3)):
        story.poll(outcome)
        told.append((story.told(EventKind.ERROR), story.told(EventKind.ANSWERED)))
    assert told == [
        ([], ["the VMA knows the job"]),
        (["connection refused"], []),
        ([], []),
        (["HTTP 500"], []),
        ([], []),
        ([], ["answers again after 4 errors"]),
        ([], []),
    ]


def test_a_parked_job_tells_of_another_reason_alone() -> None:
    story = Story()
    for _ in range(5):
        story.poll(REFUSED)
    assert story.told(EventKind.PARKED) == ["5 errors in a row, the last: connection refused"]
    assert story.told(EventKind.ERROR) == []
    story.poll(REFUSED, after_s=300)
    assert story.told(EventKind.PARKED) + story.told(EventKind.ERROR) == []
    story.poll(BROKEN, after_s=300)
    assert (story.told(EventKind.PARKED), story.told(EventKind.ERROR)) == ([], ["HTTP 500"])


def test_an_error_after_its_count_was_taken_back_is_told_again() -> None:
    story = Story()
    story.poll(REFUSED)
    story.context = replace(story.context, consecutive_errors=0)
    story.poll(REFUSED)
    assert story.told(EventKind.ERROR) == ["connection refused"]


def test_a_change_of_observation_is_told_once() -> None:
    story = Story()
    story.poll(copying(1))
    assert story.told(EventKind.OBSERVATION) == ["pending -> fresh"]
    story.poll(REFUSED, after_s=15.0)
    assert story.told(EventKind.OBSERVATION) == ["fresh -> late"]
    story.poll(REFUSED)
    assert story.told(EventKind.OBSERVATION) == []
    assert story.observation() is Observation.LATE


def test_error_messages_are_the_vmas_or_say_that_it_gave_none() -> None:
    silent, told, stopped, asked = Story(), Story(), Story(), Story()
    for _ in range(2):
        silent.poll(failed(error=None))
        told.poll(failed(error="no space left"))
        stopped.poll(cancelled())
        asked.poll(cancelled(error="stopped by the operator"))
    messages = [
        one.decision.update.error_message
        for one in (silent, told, stopped, asked)
        if one.decision is not None
    ]
    assert messages == [
        "the VMA reports the copy as failed and gives no reason",
        "no space left",
        None,
        "stopped by the operator",
    ]


def test_an_error_that_ends_nothing_is_not_written() -> None:
    assert Story().poll(copying(1, error="retrying a block")).update.error_message is None
