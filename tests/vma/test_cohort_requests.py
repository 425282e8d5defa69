"""A feed answers a cohort with its pass, or has its keys asked for one by one."""

from moving_entries import page, request

from oma_poller.engine.cohort_request import CohortAnswer, CohortRequest
from oma_poller.engine.ports import TierRequest
from oma_poller.model.reading import Failure, FailureKind
from oma_poller.vma.feed import Feed, Turn

KEYS = ("a", "b", "c", "d")
BROKEN = Failure(FailureKind.SERVER_ERROR, "HTTP 500")


def listed() -> Feed:
    """Return a feed that has had its first pass."""
    feed = Feed()
    feed.is_on = True
    feed.wait(TierRequest("v", KEYS, 1))
    feed.begin(0.0)
    feed.page(page(1, *KEYS, full=True), 0.0, 0.1, 0.0)
    return feed


def asked(feed: Feed) -> CohortRequest:
    """Have a cohort wait."""
    cohort = request(*KEYS)
    feed.wait(cohort)
    return cohort


def only_answer(turn: Turn, cohort: CohortRequest) -> CohortAnswer:
    (answer,) = turn.answers
    assert isinstance(answer, CohortAnswer)
    assert answer.request is cohort
    assert turn.singles == []
    return answer


def test_a_cohort_is_answered_with_the_pass_that_began_for_it() -> None:
    feed = listed()
    cohort = asked(feed)
    assert feed.begin(1.0).path is not None
    answer = only_answer(feed.page(page(2, "a", bytes_transferred=200), 0.0, 0.1, 1.0), cohort)
    assert answer.bytes_transferred == [200, 100, 100, 100]


def test_a_cohort_is_answered_by_the_first_list_too() -> None:
    feed = Feed()
    feed.is_on = True
    cohort = asked(feed)
    assert feed.begin(0.0).path is not None
    answer = only_answer(feed.page(page(1, *KEYS, full=True), 0.0, 0.1, 0.0), cohort)
    assert answer.bytes_transferred == [100, 100, 100, 100]


def test_a_cohort_goes_key_by_key_where_bulk_is_off() -> None:
    feed = Feed()
    cohort = asked(feed)
    turn = feed.begin(0.0)
    assert (turn.answers, turn.singles, turn.path) == ([], [cohort], None)


def test_a_pass_that_fails_is_the_failure_of_its_cohorts_those_that_wait_included() -> None:
    feed = listed()
    first = asked(feed)
    feed.begin(1.0)
    second = asked(feed)
    answers = feed.failed(BROKEN, 0.1, 1.0).answers
    assert [answer.request for answer in answers] == [first, second]
    assert [answer.failure for answer in answers if isinstance(answer, CohortAnswer)] == [BROKEN] * 2


def test_a_reply_that_is_no_page_has_its_cohorts_go_key_by_key() -> None:
    feed = listed()
    cohort = asked(feed)
    feed.begin(1.0)
    turn = feed.refused(1.0)
    assert (turn.answers, turn.singles) == ([], [cohort])
    assert not feed.is_on
    assert feed.cut() == []
