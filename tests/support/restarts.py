"""A program that ends and begins again, as the rules see it."""

from datetime import datetime, timedelta

import msgspec
from core_values import NOW, NOW_S, POLICY, a_job
from job_story import Story
from msgspec.structs import replace

from oma_poller.core.keys import plan_keys
from oma_poller.core.memory import Restart, recall, remember
from oma_poller.model.context import PollingContext
from oma_poller.model.job import Job
from oma_poller.model.memory import JobMemory, Past
from oma_poller.model.reading import Outcome

SECOND = timedelta(seconds=1)


def back(story: Story, away_s: float = 0.0, **past: int) -> Story:
    """Return *story* in a program that was away so long, and whose monotonic clock begins at 7 s."""
    seen = NOW + story.passed_s * SECOND
    memory = through_json(remember(story.context, NOW_S + story.passed_s, seen))
    later = Story(story.job, story.policy, story.tier)
    later.passed_s = story.passed_s + away_s
    restart = Restart(
        plan_keys(story.job), story.policy, NOW_S + later.passed_s, NOW + later.passed_s * SECOND
    )
    context = recall(replace(story.job, past=Past(memory, **past)), restart)
    assert context is not None
    later.context = context
    return later


def through_json(memory: JobMemory) -> JobMemory:
    """Return what is left of *memory* when it was stored."""
    return msgspec.json.decode(msgspec.json.encode(memory), type=JobMemory)


def at(now_s: float = NOW_S, now: datetime = NOW, job: Job | None = None, **policy: object) -> Restart:
    """Return a restart at that moment."""
    return Restart(plan_keys(job or a_job()), replace(POLICY, **policy), now_s, now)


def memory_of(context: PollingContext) -> Past:
    """Return the past of a job whose context was kept at `NOW`."""
    return Past(remember(context, NOW_S, NOW))


def told(story: Story, *outcomes: Outcome, after_s: float = 5.0) -> Story:
    """Poll, and return the story."""
    story.poll(*outcomes, after_s=after_s)
    return story
