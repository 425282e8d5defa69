"""The page where little is known: a standby, a VMA not asked, jobs in the dark, a stream that is broken."""

import json
from typing import Any

import pytest
from oma_database import GIB
from page_world import PageWorld
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.browser

UNKNOWN = "\N{EN DASH}"
ROW = {
    "job_id": "a",
    "name": "a",
    "status": "replicating",
    "state": "replicating",
    "stopped": False,
    "observation": "fresh",
    "as_of": None,
    "bytes_transferred": None,
    "total_bytes": None,
    "speed_bps": None,
    "eta_seconds": None,
}
STORE = "const { Store } = await import('/static/store.js'); const store = new Store(() => {});"


def tell(page: Page, **fields: Any) -> None:  # noqa: ANN401 - parts of a JSON reply
    """Let /api/v1/polling say something else."""

    def changed(route: Route) -> None:
        route.fulfill(json=route.fetch().json() | fields)

    page.route("**/api/v1/polling", changed)


def test_a_standby_says_that_another_poller_is_at_work_and_not_that_the_database_is_away(
    world: PageWorld, page: Page
) -> None:
    tell(page, waiting=True, database={"up": False, "since": None, "detail": None, "pending_rows": 0})
    page.goto(world.start())
    banners = page.get_by_role("region", name="Warnings")
    expect(banners).to_contain_text(
        "Another poller is at work on this database. This one waits and shows nothing."
    )
    expect(banners).not_to_contain_text("The database is away")
    expect(page.locator("#empty")).to_have_text("This poller waits and shows no jobs.")


def test_a_vma_that_was_not_asked_yet_is_neither_reachable_nor_away(world: PageWorld, page: Page) -> None:
    vma = {"name": "default", "url": "http://vma", "up": None, "since": None, "detail": None, "jobs": 0}
    tell(page, vmas=[vma | {"probe_duration_seconds": None}])
    page.goto(world.start())
    expect(page.locator("#vmas li")).to_have_text("○VMA default: not asked yet 0 jobs")
    expect(page.locator("#vmas li")).to_have_attribute("data-tone", "calm")
    expect(page.locator("#banners")).to_be_empty()


def test_the_sums_of_no_jobs_are_not_known_rather_than_zero(world: PageWorld, page: Page) -> None:
    page.goto(world.start())
    expect(page.get_by_text("Nothing needs attention.")).to_be_visible()
    expect(page.locator("#fleet")).to_contain_text(f"{UNKNOWN} of {UNKNOWN}")
    expect(page.locator("#fleet")).not_to_contain_text("0 B")


def test_the_speed_of_jobs_that_nobody_sees_is_not_known(world: PageWorld, page: Page) -> None:
    world.add("job-a", GIB, name="web-01")
    page.goto(world.start())
    expect(page.locator("#fleet")).to_contain_text("0 B/s")
    world.vma.entries.clear()
    expect(page.get_by_role("list", name="Needs attention")).to_contain_text("Gone from the VMA")
    expect(page.locator("#fleet")).not_to_contain_text("B/s")
    expect(page.locator("#fleet")).to_contain_text("1.00 GiB of 10.00 GiB")


def test_a_message_that_cannot_be_read_is_told_and_the_feed_goes_on(world: PageWorld, page: Page) -> None:
    hello = json.dumps({"interval_seconds": 1})
    broken = f"event: hello\ndata: {hello}\n\nevent: progress\ndata: {{broken\n\n"
    page.route(
        "**/api/v1/events",
        lambda route: route.fulfill(body=broken, content_type="text/event-stream"),
    )
    page.goto(world.start())
    expect(page.locator("#banners")).to_contain_text("Why: SyntaxError")
    page.unroute("**/api/v1/events")
    expect(page.locator("#connection")).to_have_text("Live")
    expect(page.locator("#banners")).to_be_empty()


def of_a_store(page: Page, rows: list[dict[str, Any]], script: str) -> Any:  # noqa: ANN401 - what the script returns
    """Return what a script returns of a store that holds rows."""
    return page.evaluate(
        f"async (rows) => {{ {STORE} rows.forEach((row) => store.put(row)); {script} }}", rows
    )


def test_the_end_of_all_counts_only_jobs_in_sight_whose_size_is_known(world: PageWorld, page: Page) -> None:
    page.goto(world.start())
    rows = [
        ROW | {"job_id": "a", "bytes_transferred": 40, "total_bytes": 100, "speed_bps": 10, "eta_seconds": 6},
        ROW | {"job_id": "b", "bytes_transferred": 500, "speed_bps": 10},
        ROW
        | {
            "job_id": "c",
            "bytes_transferred": 0,
            "total_bytes": 9000,
            "observation": "blind",
            "speed_bps": 90,
        },
    ]
    sums = of_a_store(page, rows, "return store.totals();")
    assert (sums["moved"], sums["total"], sums["speed"], sums["eta"]) == (540, 9100, 20, 6)
    rows[0]["eta_seconds"] = None
    assert of_a_store(page, rows, "return store.totals();")["eta"] == 3


@pytest.mark.parametrize(
    ("status", "word"),
    [("replicating", "left"), ("completed", "completed"), ("replication_failed", "failed")],
)
def test_only_the_status_of_the_row_says_how_a_job_that_left_has_ended(
    world: PageWorld, page: Page, status: str, word: str
) -> None:
    page.goto(world.start())
    row = ROW | {"status": status, "state": "completed"}
    script = "store.left(rows[0]); const job = store.jobs.get('a'); return [job.word(), job.speeds];"
    row |= {"operation": None, "reason": None, "error_message": None}
    assert of_a_store(page, [row], script) == [word, []]
