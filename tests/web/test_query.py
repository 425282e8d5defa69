"""The parameters of a list of jobs: which jobs, in which order, and what is refused."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from starlette.datastructures import QueryParams

from oma_poller.web.query import SORTS, ListQuery, QueryError, moment, number, read_list_query, require_known
from oma_poller.web.row import JobRow

AT = datetime(2026, 11, 24, 3, tzinfo=UTC)
ROW = JobRow(
    job_id="job-1",
    name="Web-01",
    vma="default",
    status="replicating",
    state="replicating",
    percent=12.5,
    bytes_transferred=10,
    total_bytes=80,
    speed_bps=1,
    eta_seconds=70,
    operation=None,
    phase=None,
    sync_type=None,
    setup_percent=None,
    observation="fresh",
    observation_since=AT,
    reason=None,
    consecutive_errors=0,
    disks=1,
    stopped=False,
    created_at=AT,
    polling_since=AT,
    as_of=AT,
    error_message=None,
)


def read(text: str) -> ListQuery:
    """Return the query of a query string."""
    return read_list_query(QueryParams(text))


def test_without_parameters_the_newest_hundred_are_meant() -> None:
    assert read("") == ListQuery(sort="created_at", descends=True, limit=100, offset=0)


@pytest.mark.parametrize(
    ("text", "is_meant"),
    [
        ("", True),
        ("status=replicating", True),
        ("status=Replicating", True),
        ("status=running,replicating", True),
        ("status=running&status=replicating", True),
        ("status=running", False),
        ("status=,", True),
        ("state=replicating,queued", True),
        ("state=queued", False),
        ("observation=fresh&observation=stalled", True),
        ("observation=blind", False),
        ("vma=default", True),
        ("vma=Default", False),
        ("name=web", True),
        ("name=WEB-0", True),
        ("name=JOB-1", True),
        ("name=job-2", False),
        ("status=replicating&observation=blind", False),
    ],
)
def test_a_job_has_to_fit_every_parameter_with_one_of_its_values(text: str, *, is_meant: bool) -> None:
    assert read(text).matches(ROW) is is_meant


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_what_is_not_known_comes_last_in_either_order(sort: str, order: str) -> None:
    words = {"observation": ("blind", "stalled"), "vma": ("a", "B"), "name": ("Alpha", "beta")}
    moments = (AT, datetime.max.replace(tzinfo=UTC))
    least, most = moments if sort in {"created_at", "as_of"} else words.get(sort, (1, 2))
    rows = [
        replace(ROW, job_id="none", **{sort: None}),
        replace(ROW, job_id="most", **{sort: most}),
        replace(ROW, job_id="least", **{sort: least}),
    ]
    ordered = [row.job_id for row in read(f"sort={sort}&order={order}").sorted(rows)]
    assert ordered == (["least", "most", "none"] if order == "asc" else ["most", "least", "none"])


def test_the_newest_come_first_where_no_order_is_given_and_else_the_least() -> None:
    assert read("sort=created_at").descends
    assert not any(read(f"sort={sort}").descends for sort in SORTS if sort != "created_at")


def test_equals_stand_in_one_order_on_every_page() -> None:
    rows = [replace(ROW, job_id=f"job-{number}") for number in (2, 0, 1)]
    query = read("sort=percent")
    assert query.sorted(rows) == query.sorted(list(reversed(rows)))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("state=bogus", "state is 'bogus'; allowed are unknown, queued, preparing"),
        ("state=queued,bogus", "state is 'bogus'; allowed are unknown, queued, preparing"),
        ("state=", "state is ''; allowed are unknown, queued, preparing"),
        ("observation=stale", "observation is 'stale'; allowed are pending, fresh, late"),
        ("sort=size", "sort is 'size'; allowed are created_at, name, percent"),
        ("order=up", "order is 'up'; allowed are asc, desc"),
        ("limit=0", "limit is '0'; allowed is a whole number from 1 to 10000"),
        ("limit=10001", "limit is '10001'; allowed is a whole number from 1 to 10000"),
        ("limit=1e3", "limit is '1e3'; allowed is a whole number from 1 to 10000"),
        ("limit=٣", "limit is '٣'; allowed is a whole number from 1 to 10000"),
        ("limit=", "limit is ''; allowed is a whole number from 1 to 10000"),
        ("offset=-1", "offset is '-1'; allowed is a whole number from 0 to 2147483648"),
        ("offset=" + "9" * 5000, f"offset is '{'9' * 100}'; allowed is a whole number"),
        ("name=" + "x" * 256, "name has 256 characters; allowed are 255"),
    ],
)
def test_what_is_not_allowed_is_named_with_what_is(text: str, line: str) -> None:
    with pytest.raises(QueryError) as refused:
        read(text)
    assert str(refused.value).startswith(line)
    assert str(refused.value).isprintable()


def test_an_unknown_parameter_is_named_with_those_there_are() -> None:
    with pytest.raises(QueryError, match=r"^unknown parameter 'x'; allowed are since, limit$"):
        require_known(QueryParams("x=1"), {"since": False, "limit": False})
    with pytest.raises(QueryError, match=r"^unknown parameter 'x'; this call has none$"):
        require_known(QueryParams("x=1"), {})


def test_a_parameter_is_given_twice_only_where_it_may_be() -> None:
    require_known(QueryParams("a=1&a=2"), {"a": True})
    with pytest.raises(QueryError, match=r"^a is given more than once$"):
        require_known(QueryParams("a=1&a=2"), {"a": False})


def test_a_number_that_is_not_given_is_the_default() -> None:
    assert number({}, "limit", 1, 5000, 1000) == 1000
    assert number({"limit": "05"}, "limit", 1, 5000, 1000) == 5


@pytest.mark.parametrize(
    "text", ["2026-11-24T03:00:00Z", "2026-11-24t03:00:00z", "2026-11-24T04:30:00+01:30", "2026-11-24T03:00Z"]
)
def test_a_moment_is_read_in_each_way_it_may_be_written(text: str) -> None:
    assert moment({"since": text}, "since") == AT


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-11-24", "2026-11-24T03:00:00", "0001-01-01T00:00:00+14:00"]
)
def test_what_is_no_moment_or_has_no_zone_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match=r"allowed is a moment like 2026-11-24T03:00:00Z$"):
        moment({"since": text}, "since")
