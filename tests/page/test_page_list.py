"""Searching, filtering, sorting and walking through the list, also by keyboard and by link."""

import re

import pytest
from oma_database import GIB
from page_world import PageWorld
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture
def three(world: PageWorld, page: Page) -> Page:
    """Return the page of three jobs, one of which is being prepared."""
    world.add("job-a", 3 * GIB, name="web-01", created_at="2025-09-05 10:00:00")
    world.add("job-b", GIB, name="db-01", created_at="2025-09-05 11:00:00")
    world.add("job-c", 0, name="web-02", created_at="2025-09-05 12:00:00")
    world.moves("job-c", 0, status="preparing", phase="Preparing")
    page.goto(world.start())
    expect(page.locator("#table")).to_have_attribute("aria-rowcount", "4")
    expect(page.locator(".body .row").filter(has_text="Preparing")).to_have_count(1)
    return page


def names(page: Page) -> list[str]:
    """Return the names of the jobs in the order in which they are read."""
    return page.locator(".body .c-name a").all_text_contents()


def test_search_finds_names_and_ids_and_says_how_many(three: Page) -> None:
    three.keyboard.press("/")
    three.keyboard.type("WEB")
    expect(three.locator(".found")).to_have_text("2 of 3 jobs")
    assert sorted(names(three)) == ["web-01", "web-02"]
    three.get_by_role("searchbox").fill("job-b")
    expect(three.locator(".found")).to_have_text("1 of 3 jobs")
    assert names(three) == ["db-01"]
    three.get_by_role("searchbox").fill("nothing like it")
    expect(three.get_by_text("No job matches the search and the filters.")).to_be_visible()
    three.get_by_role("button", name="Show all").click()
    expect(three.locator(".found")).to_have_text("3 jobs")


def test_a_filter_stands_in_the_address_and_a_link_brings_it_back(three: Page) -> None:
    three.get_by_role("combobox", name="State", exact=True).select_option("preparing")
    expect(three.locator(".found")).to_have_text("1 of 3 jobs")
    expect(three).to_have_url(re.compile("#state=preparing$"))
    three.reload()
    expect(three.locator(".found")).to_have_text("1 of 3 jobs")
    assert names(three) == ["web-02"]
    three.go_back()
    expect(three.locator(".found")).to_have_text("3 jobs")


def test_every_column_sorts_both_ways(three: Page) -> None:
    assert names(three) == ["web-02", "db-01", "web-01"]
    for heading in (
        "Job",
        "VMA",
        "State",
        "Progress",
        "Moved",
        "Speed",
        "Time left",
        "How it is seen",
        "Figures",
    ):
        head = three.get_by_role("columnheader", name=heading)
        head.get_by_role("button").click()
        expect(head).to_have_attribute("aria-sort", re.compile("ascending|descending"))
        other = "descending" if head.get_attribute("aria-sort") == "ascending" else "ascending"
        head.get_by_role("button").click()
        expect(head).to_have_attribute("aria-sort", other)
    three.get_by_role("columnheader", name="Moved").get_by_role("button").click()
    expect(three.locator(".body .c-name a")).to_have_text(["web-01", "db-01", "web-02"])


def test_the_keyboard_walks_the_rows_opens_a_job_and_comes_back(three: Page) -> None:
    three.locator(".body .c-name a").first.focus()
    three.keyboard.press("ArrowDown")
    expect(three.get_by_role("link", name="db-01")).to_be_focused()
    three.keyboard.press("End")
    expect(three.locator(".body").get_by_role("link", name="web-01")).to_be_focused()
    three.keyboard.press("Home")
    three.keyboard.press("ArrowDown")
    three.keyboard.press("Enter")
    expect(three.get_by_role("region", name="db-01")).to_be_visible()
    expect(three.get_by_role("heading", name="db-01")).to_be_focused()
    three.keyboard.press("Escape")
    expect(three.locator("#detail")).to_be_hidden()
    expect(three.locator(".body").get_by_role("link", name="db-01")).to_be_focused()
