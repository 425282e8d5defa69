"""What the mirror keeps, and what it drops."""

from typing import Any

import msgspec
import pytest
from key_views import one_key
from wire_samples import KEY, SHAPE_A, SHAPE_B, SHAPE_C

from oma_poller.engine.ports import TierRequest
from oma_poller.model.reading import Failure, FailureKind, Missing, Outcome, Reading, State
from oma_poller.vma import mirror as mirror_module
from oma_poller.vma.gathering import singles_of
from oma_poller.vma.mirror import KEEP_S, Mirror
from oma_poller.vma.page import Page, read_page
from oma_poller.vma.wire import decode


def page(version: int, *keys: str, full: bool = False, complete: bool = True, **more: object) -> Page:
    """Return a page on which each key has moved `version` bytes."""
    entries = [{"job_id": key, "status": "running", "bytes_transferred": version} | more for key in keys]
    told = {"cursor": f"e.{version}", "complete": complete, "full": full, "entries": entries, "deleted": []}
    read = read_page(msgspec.json.encode(told))
    assert read is not None
    return read


def deletion(version: int, *keys: str) -> Page:
    return Page(f"e.{version}", complete=True, full=False, told=[], deleted=list(keys))


def listed(*keys: str, now_s: float = 0.0) -> Mirror:
    """Return a mirror that took a whole list."""
    mirror = Mirror()
    mirror.take(page(1, *keys, full=True), 0.0, now_s)
    return mirror


def moved(mirror: Mirror, key: str) -> int:
    outcome = mirror.outcome(key)
    assert isinstance(outcome, Reading)
    return outcome.bytes_transferred


def test_a_key_that_nobody_asks_for_any_longer_is_dropped() -> None:
    mirror = listed("a", "b")
    now_s = 0.0
    for version in range(2, 10):
        now_s += KEEP_S / 2
        mirror.turn(now_s)
        mirror.take(page(version, "a", "b"), 0.0, now_s)
        assert moved(mirror, "a") == version
    assert (mirror.follows("a"), mirror.follows("b"), len(mirror)) == (True, False, 1)


def test_a_key_that_is_asked_for_is_kept_though_it_never_changes() -> None:
    mirror = listed("a", "b")
    first = mirror.outcome("a")
    for turn in range(1, 5):
        mirror.turn(turn * KEEP_S)
        assert mirror.outcome("a") is first
    assert not mirror.follows("b")


def adopt(mirror: Mirror, request: TierRequest, outcome: Outcome) -> None:
    """Let the only key of a request be answered."""
    (single,) = singles_of(request)
    mirror.adopt(single, outcome)


def test_a_key_that_was_dropped_comes_back_only_by_a_single_reply() -> None:
    mirror = listed("a")
    mirror.turn(KEEP_S)
    mirror.turn(2 * KEEP_S)
    mirror.take(page(2, "a"), 0.0, 2 * KEEP_S)
    assert not mirror.follows("a")
    request = one_key("v", "a", 1)
    mirror.follow(request)
    assert not mirror.follows("a")
    adopt(mirror, request, Reading(state=State.REPLICATING, bytes_transferred=2))
    assert moved(mirror, "a") == 2


def test_a_page_that_names_a_key_counts_more_than_the_single_reply_under_way() -> None:
    mirror, request = listed(), one_key("v", "a", 1)
    mirror.follow(request)
    mirror.take(page(3, "a"), 0.0, 0.0)
    adopt(mirror, request, Missing())
    assert moved(mirror, "a") == 3


def test_a_page_of_a_list_counts_more_than_the_single_reply_under_way() -> None:
    mirror, request = Mirror(), one_key("v", "a", 1)
    mirror.take(page(1, "b", full=True, complete=False), 0.0, 0.0)
    mirror.follow(request)
    mirror.take(page(2, "a"), 0.0, 0.0)
    adopt(mirror, request, Missing())
    assert moved(mirror, "a") == 2


def test_a_deletion_counts_more_than_the_single_reply_under_way() -> None:
    mirror, request = listed(), one_key("v", "a", 1)
    mirror.follow(request)
    mirror.take(deletion(3, "a", "never heard of"), 0.0, 0.0)
    adopt(mirror, request, Reading(state=State.REPLICATING))
    assert mirror.outcome("a") == Missing()
    assert not mirror.follows("never heard of")


def test_a_single_reply_from_before_a_new_list_is_not_taken_for_a_later_request() -> None:
    mirror, old, new = listed(), one_key("v", "a", 1), one_key("v", "a", 1)
    mirror.follow(old)
    mirror.take(page(1, full=True), 0.0, 0.0)
    adopt(mirror, old, Reading(state=State.REPLICATING, bytes_transferred=99))
    assert not mirror.follows("a")
    mirror.follow(new)
    adopt(mirror, old, Reading(state=State.REPLICATING, bytes_transferred=99))
    assert not mirror.follows("a")
    adopt(mirror, new, Missing())
    assert mirror.outcome("a") == Missing()


def test_a_single_reply_that_failed_tells_nothing() -> None:
    mirror, request = listed(), one_key("v", "a", 1)
    mirror.follow(request)
    adopt(mirror, request, Failure(FailureKind.TIMEOUT, "x"))
    assert not mirror.follows("a")


def test_a_new_list_forgets_every_value_but_not_who_is_followed() -> None:
    mirror = listed("a", "b", "c")
    assert moved(mirror, "a") == 1
    mirror.take(page(7, "b", full=True, complete=False), 0.0, 0.0)
    mirror.take(page(8, "d"), 0.0, 0.0)
    assert [mirror.outcome(key) for key in "ac"] == [Missing(), Missing()]
    assert (moved(mirror, "b"), moved(mirror, "d")) == (7, 8)


def test_what_is_not_on_a_list_and_was_not_asked_for_is_not_kept() -> None:
    mirror = listed("a")
    mirror.take(page(2, "new"), 0.0, 0.0)
    assert not mirror.follows("new")


@pytest.mark.parametrize("end", ["completed", "FAILED", "cancelled"])
def test_runs_that_ended_are_kept_only_where_somebody_asks(end: str) -> None:
    mirror = Mirror()
    mirror.expect(["a"])
    mirror.take(page(1, "a", "b", full=True, status=end), 0.0, 0.0)
    assert (mirror.follows("a"), mirror.follows("b")) == (True, False)


def test_a_long_list_is_not_kept_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror_module, "OFFERED_LIMIT", 3)
    mirror = Mirror()
    mirror.expect(["k9"])
    mirror.take(page(1, *(f"k{n}" for n in range(10)), full=True), 0.0, 0.0)
    assert len(mirror) == 4
    assert moved(mirror, "k9") == 1


def test_an_entry_is_read_once() -> None:
    mirror = listed("a")
    first = mirror.outcome("a")
    assert mirror.outcome("a") is first
    mirror.take(page(1), 0.0, 0.0)
    assert mirror.outcome("a") is first
    mirror.take(page(1, "a"), 0.0, 0.0)
    assert mirror.outcome("a") is not first


@pytest.mark.parametrize("sample", [SHAPE_A, SHAPE_B, SHAPE_C], ids="ABC")
def test_an_entry_that_waits_to_be_read_says_the_same_as_a_single_reply(sample: dict[str, Any]) -> None:
    mirror = Mirror()
    mirror.expect([KEY])
    told = {"cursor": "e.1", "complete": True, "full": True, "entries": [sample], "deleted": []}
    taken = read_page(msgspec.json.encode(told))
    assert taken is not None
    mirror.take(taken, 1.5, 0.0)
    assert mirror.outcome(KEY) == decode(msgspec.json.encode(sample), KEY, clock_skew_s=1.5)
