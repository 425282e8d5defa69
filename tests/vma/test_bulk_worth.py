"""When bulk is asked for, and when a VMA that offers it is believed."""

import pytest
from key_views import one_key

from oma_poller.engine.ports import TierRequest
from oma_poller.model.reading import Failure, FailureKind, Missing
from oma_poller.vma.feed import Feed
from oma_poller.vma.page import Page
from oma_poller.vma.worth import FEWEST_KEYS, WINDOW_S, Worth

BROKEN = Failure(FailureKind.SERVER_ERROR, "HTTP 500")


def page(entries: int, *, full: bool = False) -> Page:
    return Page(
        "e.1", complete=True, full=full, told=[(f"k{n}", Missing()) for n in range(entries)], deleted=[]
    )


def passes(worth: Worth, until_s: float, every_s: float, changes: int) -> None:
    """Make passes that bring so many changes each."""
    now_s = 0.0
    while now_s < until_s:
        worth.began(now_s)
        worth.count(page(changes))
        now_s += every_s


def test_few_keys_are_not_worth_a_pass() -> None:
    assert next(keys for keys in range(10) if Worth().a_pass(keys, 0.0)) == FEWEST_KEYS


def test_a_whole_list_at_the_start_says_nothing_of_the_rest() -> None:
    worth = Worth()
    worth.began(0.0)
    worth.count(page(10_000, full=True))
    assert worth.a_pass(4, 5.0)


def test_list_after_list_is_not_worth_it() -> None:
    worth = Worth()
    for now_s in (0.0, 5.0):
        worth.began(now_s)
        worth.count(page(10_000, full=True))
    assert not worth.a_pass(20, 10.0)


def test_a_few_keys_among_many_that_move_are_asked_for_singly_for_a_while() -> None:
    worth = Worth()
    passes(worth, 10.0, 5.0, 10_000)
    assert not worth.a_pass(4, 10.0)
    assert worth.a_pass(4, WINDOW_S + 1)


def test_many_keys_among_many_that_move_are_worth_a_pass() -> None:
    worth = Worth()
    passes(worth, 10.0, 0.05, 50)
    assert worth.a_pass(20, 10.05)


def test_copiers_that_report_all_at_once_do_not_end_it() -> None:
    worth = Worth()
    worth.began(0.0)
    worth.count(page(1000))
    assert worth.a_pass(20, 0.05)


def on(feed: Feed, now_s: float) -> bool:
    """Let the VMA offer bulk; return whether it is believed."""
    feed.heard(is_usable=True, offers_bulk=True, now_s=now_s)
    return feed.is_on


def test_an_offer_that_does_not_hold_is_believed_less_and_less() -> None:
    feed, now_s, pauses = Feed(), 100.0, []
    assert on(feed, now_s)
    for _ in range(10):
        feed.refused(now_s)
        begun_s = now_s
        while not on(feed, now_s):
            now_s += 1.0
        pauses.append(now_s - begun_s)
    assert pauses == [0, 5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_a_pass_that_succeeds_makes_an_offer_believable_again() -> None:
    feed = Feed()
    feed.refused(0.0)
    feed.refused(0.0)
    assert on(feed, 5.0)
    feed.page(page(1, full=True), 0.0, 0.1, 5.0)
    feed.refused(6.0)
    assert on(feed, 6.0)


@pytest.mark.parametrize("single_works", [True, False])
def test_once_a_pass_failed_a_single_key_shows_whether_it_is_bulk_that_is_broken(
    *, single_works: bool
) -> None:
    feed = Feed()
    on(feed, 0.0)
    keys = ("a", "b", "c", "d", "e")
    for key in keys:
        feed.wait(one_key("v", key, 1))
    assert feed.begin(0.0).singles == []
    assert len(feed.failed(BROKEN, 0.1, 0.0).answers) == 5
    for key in keys:
        feed.wait(one_key("v", key, 2))
    assert len(feed.begin(5.0).singles) == 1
    feed.heard(is_usable=single_works, offers_bulk=True, now_s=5.0)
    turn = feed.failed(BROKEN, 0.1, 5.0)
    assert feed.is_on is not single_works
    assert (len(turn.singles), len(turn.answers)) == ((4, 0) if single_works else (0, 4))


def test_who_comes_while_a_pass_fails_gets_its_failure_too() -> None:
    feed = Feed()
    on(feed, 0.0)
    for ticket in range(10):
        feed.wait(one_key("v", f"k{ticket}", ticket))
        if ticket == 4:
            feed.begin(0.0)
    assert [answer.request.ticket for answer in feed.failed(BROKEN, 0.1, 0.0).answers] == list(range(10))
    assert feed.cut() == []


def tier(ticket: int) -> TierRequest:
    """Return the request of a job with as many disks as a pass is worth."""
    return TierRequest("v", tuple(f"{ticket}-{disk}" for disk in range(FEWEST_KEYS)), ticket)


def after_a_failed_pass() -> Feed:
    """Return a feed whose last pass failed, and in which the request of one job waits."""
    feed = Feed()
    on(feed, 0.0)
    feed.wait(tier(1))
    feed.begin(0.0)
    feed.failed(BROKEN, 0.1, 0.0)
    feed.wait(tier(2))
    return feed


def test_no_second_pass_begins_while_one_for_nobody_is_under_way() -> None:
    """The only request of a pass that may fail goes singly, and the pass itself is a trial."""
    feed = after_a_failed_pass()
    trial = feed.begin(5.0)
    assert ([request.ticket for request in trial.singles], trial.path is None) == ([2], False)
    feed.wait(tier(3))
    readiness = [feed.is_ready]
    assert feed.page(page(1, full=True), 0.0, 0.1, 6.0).answers == []
    readiness.append(feed.is_ready)
    assert readiness == [False, True]
    assert [request.ticket for request in feed.begin(6.0).singles] == [3]


@pytest.mark.parametrize("last_is_usable", [True, False])
def test_one_key_that_answers_singly_is_enough_to_see_that_singles_work(*, last_is_usable: bool) -> None:
    feed = after_a_failed_pass()
    assert len(feed.begin(5.0).singles) == 1
    for is_usable in (True, last_is_usable):
        feed.heard(is_usable=is_usable, offers_bulk=False, now_s=5.0)
    feed.failed(BROKEN, 0.1, 5.0)
    assert not feed.is_on
