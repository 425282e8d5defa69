"""The page shows what the database has, as it changes, and says when it cannot."""

from datetime import UTC, datetime, timedelta

import pytest
from oma_database import GIB
from page_world import PageWorld, Watched
from playwright.sync_api import Locator, Page, Route, expect

pytestmark = pytest.mark.browser

AHEAD = timedelta(seconds=10)
"""Further than a busy machine falls behind, and nearer than any time-out of a connection that lives."""
LONGEST_WAIT = "00:20"
"""Longer than the page waits between two tries."""


def row(page: Page, name: str) -> Locator:
    """Return the row of a job."""
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def test_the_page_shows_each_job_and_the_sums(world: PageWorld, page: Page) -> None:
    world.add("job-a", GIB, name="web-01")
    world.add("job-b", 4 * GIB, name="db-01")
    page.goto(world.start())
    expect(row(page, "web-01")).to_contain_text("10.00 %")
    expect(row(page, "web-01")).to_contain_text("1.00 GiB")
    expect(row(page, "web-01").get_by_role("progressbar")).to_have_attribute("value", "10")
    expect(row(page, "db-01")).to_contain_text("job-b")
    expect(page.locator("#fleet")).to_contain_text("5.00 GiB of 20.00 GiB")
    expect(page.locator("#fleet")).to_contain_text("25.00 %")
    expect(page.locator("#vmas")).to_contain_text("reachable")
    expect(page.get_by_text("Nothing needs attention.")).to_be_visible()


def test_a_percentage_is_never_rounded_up_to_the_end(world: PageWorld, page: Page) -> None:
    world.add("job-a", 10 * GIB - 1, name="web-01")
    page.goto(world.start())
    expect(row(page, "web-01")).to_contain_text("99.99 %")
    expect(row(page, "web-01")).not_to_contain_text("100")


def test_a_change_at_the_vma_comes_to_the_page_by_itself(world: PageWorld, page: Page) -> None:
    world.add("job-a", GIB, name="web-01")
    page.goto(world.start())
    expect(row(page, "web-01")).to_contain_text("10.00 %")
    world.moves("job-a", 5 * GIB)
    expect(row(page, "web-01")).to_contain_text("50.00 %")


def test_a_job_that_comes_is_shown_and_one_that_ends_says_how(world: PageWorld, page: Page) -> None:
    world.add("job-a", GIB, name="web-01")
    page.goto(world.start())
    expect(row(page, "web-01")).to_contain_text("10.00 %")
    world.add("job-b", 2 * GIB, name="db-01")
    expect(row(page, "db-01")).to_contain_text("20.00 %")
    world.moves("job-a", 10 * GIB, status="completed")
    expect(row(page, "web-01")).to_contain_text("Completed")
    expect(row(page, "web-01")).to_contain_text("It is polled no more")
    expect(page.locator("#fleet")).to_contain_text("1 left lately")


def test_a_job_that_stands_still_needs_attention_and_is_announced(world: PageWorld, page: Page) -> None:
    world.add("job-a", GIB, name="web-01")
    page.goto(world.start(VMA_PROGRESS_STALL_AFTER="2s"))
    attention = page.get_by_role("list", name="Needs attention")
    expect(attention.get_by_role("link", name="web-01")).to_be_visible()
    expect(attention).to_contain_text("Stands still")
    expect(attention).to_contain_text("no bytes have moved for 2 s")
    expect(page.locator("#attention-news")).to_have_text("Needs attention: web-01: stands still")


def test_a_vma_that_goes_down_is_told_with_its_jobs(world: PageWorld, page: Page) -> None:
    world.add("job-a", GIB, name="web-01")
    page.goto(world.start())
    expect(row(page, "web-01")).to_contain_text("In sight")
    world.take_the_vma_down()
    expect(page.locator("#banners")).to_contain_text("VMA default cannot be reached")
    expect(page.get_by_role("list", name="Needs attention")).to_contain_text("VMA unreachable")
    expect(page.locator("#vmas")).to_contain_text("away since")


def test_the_page_says_that_the_connection_is_lost_and_lives_again_after_a_restart(
    world: PageWorld, watched: Watched
) -> None:
    page = watched.page
    page.clock.install()
    world.add("job-a", GIB, name="web-01")
    world.add("job-b", GIB, name="db-01")
    page.goto(world.start())
    expect(row(page, "web-01")).to_contain_text("10.00 %")
    world.stop()
    expect(page.locator("#banners")).to_contain_text("Figures below are old.")
    expect(page.locator("#connection")).to_have_text("Not live")
    expect(page.locator("body")).to_contain_class("lost")
    world.moves("job-a", 6 * GIB)
    world.oma.execute("UPDATE replication_jobs SET status = 'cancelled' WHERE id = 'job-b'")
    world.start()
    page.clock.fast_forward(LONGEST_WAIT)
    expect(page.locator("#connection")).to_have_text("Live")
    expect(row(page, "web-01")).to_contain_text("60.00 %")
    expect(row(page, "db-01")).to_contain_text("Left the list")
    expect(page.locator("#banners")).to_be_empty()
    watched.forget_lost_connections()


def test_try_now_connects_without_waiting_for_the_page_to_try_by_itself(
    world: PageWorld, watched: Watched
) -> None:
    page = watched.page
    page.clock.install()
    world.add("job-a", GIB, name="web-01")
    page.goto(world.start())
    expect(row(page, "web-01")).to_contain_text("10.00 %")
    page.clock.pause_at(datetime.now(UTC) + AHEAD)  # from here on no pause of the page ever ends
    world.stop()
    expect(page.locator("#connection")).to_have_text("Not live")
    world.start()
    page.get_by_role("button", name="Try now").click()
    expect(page.locator("#connection")).to_have_text("Live")
    watched.forget_lost_connections()


def test_a_database_that_is_away_is_told_above_everything(world: PageWorld, page: Page) -> None:
    def away(route: Route) -> None:
        told = route.fetch().json()
        told["database"] = {"up": False, "since": None, "detail": "connection refused", "pending_rows": 3}
        route.fulfill(json=told)

    world.add("job-a", GIB, name="web-01")
    page.route("**/api/v1/polling", away)
    page.goto(world.start())
    banners = page.get_by_role("region", name="Warnings")
    expect(banners).to_contain_text("The database is away")
    expect(banners).to_contain_text("3 rows to be written. connection refused")


def test_a_job_that_nobody_sees_has_no_speed_and_no_end(world: PageWorld, page: Page) -> None:
    world.add("job-a", GIB, name="web-01")
    page.goto(world.start())
    expect(row(page, "web-01")).to_contain_text("0 B/s")
    world.vma.entries.clear()
    expect(row(page, "web-01")).to_contain_text("Gone from the VMA")
    expect(row(page, "web-01")).not_to_contain_text("0 B/s")
    expect(row(page, "web-01")).to_contain_text("10.00 %")
