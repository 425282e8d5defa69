"""The client against a VMA that offers bulk: what is asked, and what comes of it."""

import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from agent_http import AgentHttp
from agent_vma import MIB, agent_rounds, is_bulk
from loopback_vma import PATIENCE_S, Reply, Request

from oma_poller.model.reading import Missing, Reading
from oma_poller.vma import page as page_module

KEYS = ("a", "b", "c", "d", "e", "f")


def moved_mib(outcome: object) -> int:
    assert isinstance(outcome, Reading), outcome
    return outcome.bytes_transferred // MIB


def test_a_group_of_keys_costs_one_request() -> None:
    with agent_rounds(*KEYS) as (behind, rounds):
        first = rounds.ask(*KEYS)
        (path,) = rounds.paths()
        assert path == "?limit=1000"
        assert first == {key: behind.truth(key) for key in KEYS}
        behind.report("c", 7)
        second = rounds.ask(*KEYS)
        (path,) = rounds.paths()
        assert path.startswith("?limit=1000&since=")
        assert second == {key: behind.truth(key) for key in KEYS}


def test_an_unchanged_entry_is_the_same_object_again() -> None:
    with agent_rounds(*KEYS) as (behind, rounds):
        first = rounds.ask(*KEYS)
        behind.report("c", 7)
        second = rounds.ask(*KEYS)
        assert [key for key in KEYS if second[key] is not first[key]] == ["c"]


def test_a_few_keys_go_singly() -> None:
    with agent_rounds(*KEYS) as (_, rounds):
        rounds.ask("a", "b", "c")
        assert sorted(rounds.paths()) == ["a", "b", "c"]


def test_a_key_that_nobody_reported_is_missing_until_somebody_does() -> None:
    with agent_rounds(*KEYS) as (behind, rounds):
        assert rounds.ask(*KEYS, "x")["x"] == Missing()
        behind.report("x", 3)
        assert moved_mib(rounds.ask(*KEYS, "x")["x"]) == 3
        assert all(path.startswith("?") for path in rounds.paths())


def test_a_key_that_was_deleted_is_missing() -> None:
    with agent_rounds(*KEYS) as (behind, rounds):
        rounds.ask(*KEYS)
        behind.delete("b")
        assert rounds.ask(*KEYS)["b"] == Missing()
        behind.report("b", 5)
        assert moved_mib(rounds.ask(*KEYS)["b"]) == 5


def test_a_key_asked_for_the_first_time_goes_singly_once() -> None:
    with agent_rounds(*KEYS) as (behind, rounds):
        rounds.ask(*KEYS)
        behind.report("new", 4)
        behind.report("end", 1000, status="completed")
        rounds.ask(*KEYS)  # brings both, but nobody asked for them
        rounds.paths()
        got = rounds.ask(*KEYS, "new", "end", "none")
        *singles, bulk = sorted(rounds.paths(), reverse=True)
        assert (singles, bulk[:6]) == (["none", "new", "end"], "?limit")
        assert got == {key: behind.truth(key) for key in (*KEYS, "new", "end")} | {"none": Missing()}
        behind.report("new", 6)
        again = rounds.ask(*KEYS, "new", "end", "none")
        assert len(rounds.paths()) == 1
        assert (moved_mib(again["new"]), again["end"], again["none"]) == (6, got["end"], Missing())
        assert again["end"] is got["end"]


def test_entries_of_the_whole_list_are_there_when_they_are_first_asked_for() -> None:
    with agent_rounds(*KEYS) as (behind, rounds):
        rounds.ask(*KEYS[:4])
        behind.report("f", 9)
        rounds.paths()
        assert moved_mib(rounds.ask(*KEYS)["f"]) == 9
        assert len(rounds.paths()) == 1


def test_pages_are_followed_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "PAGE_ENTRIES", 2)
    with agent_rounds(*KEYS) as (behind, rounds):
        assert rounds.ask(*KEYS) == {key: behind.truth(key) for key in KEYS}
        assert [path[:8] for path in rounds.paths()] == ["?limit=2"] * 3
        for key in KEYS[:5]:
            behind.report(key, 8)
        behind.delete("f")
        assert rounds.ask(*KEYS) == {key: behind.truth(key) for key in KEYS[:5]} | {"f": Missing()}
        assert len(rounds.paths()) == 3


def test_a_server_started_anew_leaves_nothing_of_the_old_one() -> None:
    with agent_rounds(*KEYS) as (behind, rounds):
        rounds.ask(*KEYS)
        behind.agent = AgentHttp()
        behind.report("a", 55)
        behind.report("b", 1)
        got = rounds.ask(*KEYS)
        assert len(rounds.paths()) == 2
        assert (moved_mib(got.pop("a")), moved_mib(got.pop("b"))) == (55, 1)
        assert set(got.values()) == {Missing()}


def test_a_server_started_anew_between_two_pages_leaves_nothing_of_the_old_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(page_module, "PAGE_ENTRIES", 2)
    with agent_rounds(*KEYS) as (behind, rounds):

        def answer(request: Request) -> Reply:
            reply = behind.genuine(request)
            behind.agent, behind.instead = AgentHttp(), None
            behind.report("d", 55)
            return reply

        behind.instead = answer
        got = rounds.ask(*KEYS)
        assert moved_mib(got.pop("d")) == 55
        assert set(got.values()) == {Missing()}


def test_no_reading_is_older_than_the_request_for_it() -> None:
    """What comes while a bulk request is under way waits for the next one."""
    arrived, go = threading.Event(), threading.Event()
    with agent_rounds(*KEYS) as (behind, rounds):

        def answer(request: Request) -> Reply:
            reply = behind.genuine(request)
            arrived.set()
            assert go.wait(PATIENCE_S)
            return reply

        behind.instead = answer
        early = rounds.submit(*KEYS)
        assert arrived.wait(PATIENCE_S)
        behind.report("a", 77)
        late = rounds.submit(*KEYS)
        go.set()
        shown = {
            answer.request.ticket: moved_mib(answer.outcome)
            for answer in [*rounds.answers_to(early), *rounds.answers_to(late)]
            if answer.request.key == "a"
        }
        assert shown == {early: 1, late: 77}
        assert len(rounds.paths()) == 2


def test_a_single_reply_that_a_new_list_overtakes_is_not_remembered() -> None:
    """It may be the old server's."""
    held, go = threading.Event(), threading.Event()
    with agent_rounds(*KEYS) as (behind, rounds):
        rounds.ask(*KEYS)

        def answer(request: Request) -> Reply:
            reply = behind.genuine(request)
            if not is_bulk(request):
                held.set()
                assert go.wait(PATIENCE_S)
            return reply

        behind.report("x", 5)
        behind.instead = answer
        ticket = rounds.submit(*KEYS, "x")
        assert held.wait(PATIENCE_S)
        rounds.answers.wait(len(KEYS) * 2 + 1)
        behind.agent = AgentHttp()
        later = rounds.submit(*KEYS)
        rounds.answers.wait(len(KEYS) * 3 + 1)
        go.set()
        (shown,) = (got for got in rounds.answers_to(ticket) if got.request.key == "x")
        assert moved_mib(shown.outcome) == 5
        assert {got.outcome for got in rounds.answers_to(later)} == {Missing()}
        assert rounds.ask(*KEYS, "x")["x"] == Missing("job not found")


def test_the_date_of_a_bulk_reply_shows_how_far_the_clocks_are_apart() -> None:
    slow = format_datetime(datetime.now(UTC) - timedelta(hours=2), usegmt=True)
    with agent_rounds(*KEYS) as (behind, rounds):
        behind.instead = lambda request: behind.genuine(request, f"Date: {slow}")
        for outcome in rounds.ask(*KEYS).values():
            assert isinstance(outcome, Reading)
            assert 7199 <= outcome.clock_skew_s <= 7230


def test_the_same_key_twice_is_answered_twice() -> None:
    with agent_rounds(*KEYS) as (_, rounds):
        ticket = rounds.submit("a", "a", "b", "b", "new", "new")
        assert (
            sorted(answer.request.key for answer in rounds.answers_to(ticket)) == sorted("aabb") + ["new"] * 2
        )


def test_one_connection_at_a_time_is_enough() -> None:
    with agent_rounds(*KEYS, max_in_flight=1) as (behind, rounds):
        for moved in range(2, 6):
            behind.report("a", moved)
            assert rounds.ask(*KEYS, f"new{moved}") == {key: behind.truth(key) for key in KEYS} | {
                f"new{moved}": Missing()
            }
        assert rounds.server.peak == 1


def test_a_key_that_cannot_be_asked_for_is_refused_as_ever() -> None:
    with agent_rounds(*KEYS) as (_, rounds):
        got = rounds.ask(*KEYS, "..", "")
        assert [outcome for outcome in got.values() if not isinstance(outcome, Reading)] == [
            got[".."],
            got[""],
        ]
        assert "cannot stand in a URL" in str(got[".."])
        assert len(rounds.paths()) == 1
