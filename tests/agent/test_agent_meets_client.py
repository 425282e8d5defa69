"""The poller's own decoder, written apart from the server, reads what the server says."""

from typing import Any

import pytest
from agent_http import AgentHttp

from oma_poller.agent.server.words import WORDS
from oma_poller.model.reading import Reading, State
from oma_poller.vma.vocabulary import VOCABULARY
from oma_poller.vma.wire import decode

MIB = 2**20


def reading(agent: AgentHttp, key: str = "k") -> Reading:
    """Return the entry as the poller reads it."""
    outcome = decode(agent.get(key).body, key)
    assert isinstance(outcome, Reading), outcome
    assert outcome.shape == "C"
    return outcome


def report(agent: AgentHttp, moved_mib: int, **more: Any) -> None:  # noqa: ANN401 - JSON
    fields = {"stage": "Transfer", "status": "in_progress", "bytes_transferred": moved_mib * MIB}
    agent.report("k", **fields | {"total_bytes": 1000 * MIB} | more)


def test_a_running_copy_is_read_with_its_measured_speed() -> None:
    agent = AgentHttp()
    report(agent, 0)
    agent.clock.s += 4
    report(agent, 200)
    read = reading(agent)
    assert (read.state, read.percent, read.speed_bps, read.eta_s) == (State.REPLICATING, 20, 50 * MIB, 16)
    assert (read.bytes_transferred, read.total_bytes) == (200 * MIB, 1000 * MIB)


def test_a_stalled_run_is_no_end_and_its_word_is_shown() -> None:
    agent = AgentHttp()
    report(agent, 100, lease_seconds=10)
    agent.clock.s += 10
    read = reading(agent)
    assert (read.state, read.word, read.unknown_words) == (State.UNKNOWN, "stalled", ("status=stalled",))
    assert read.error == "no report since 2026-11-23T15:54:24Z; the copier's lease of 10 s ran out"


def test_a_failure_is_read_with_its_reason() -> None:
    agent = AgentHttp()
    report(agent, 100, status="failed", error_message="target full")
    assert (reading(agent).state, reading(agent).error) == (State.FAILED, "target full")


def test_disks_are_read_each_by_itself() -> None:
    agent = AgentHttp()
    report(agent, 1000, disk_id="a", status="completed", disks_total=2)
    report(agent, 500, disk_id="b")
    read = reading(agent)
    assert (read.state, read.percent) == (State.REPLICATING, 75)
    assert [(disk.disk_id, disk.state, disk.percent) for disk in read.disks] == [
        ("a", State.COMPLETED, 100),
        ("b", State.REPLICATING, 50),
    ]


@pytest.mark.parametrize("end", [State.COMPLETED, State.FAILED, State.CANCELLED])
def test_both_sides_agree_on_which_words_end_a_run(end: State) -> None:
    ours = next(words for kind, words in WORDS.items() if kind.name == end.name)
    assert {word.lower() for word in ours} == {word.lower() for word in VOCABULARY[end]}


def test_both_sides_know_the_same_words() -> None:
    ours = {word.lower() for words in WORDS.values() for word in words}
    assert ours == {word.lower() for words in VOCABULARY.values() for word in words}
