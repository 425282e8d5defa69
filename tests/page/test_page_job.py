"""A job that is opened: its disks, history, explanation, and starting and stopping it."""

import re

import pytest
from oma_database import GIB
from page_world import PageWorld, Watched
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def test_a_link_opens_a_job_with_its_disks_raw_values_and_history(world: PageWorld, page: Page) -> None:
    world.oma.add_job("a/b c", "v-d", capacity_bytes=10 * GIB, source_vm_name="web-01")
    world.moves("d", GIB, key="migration-vol-v-d")
    page.goto(f"{world.start()}/#job=a%2Fb+c")
    panel = page.get_by_role("region", name="web-01")
    expect(panel).to_contain_text("a/b c")
    expect(panel).to_contain_text("1.00 GiB of 10.00 GiB")
    expect(panel.get_by_role("region", name="Disks")).to_contain_text("2000")
    expect(panel.get_by_role("region", name="Raw values")).to_contain_text("in_progress (replicating)")
    for times in range(2, 9):
        world.moves("d", times * GIB, key="migration-vol-v-d")
        expect(panel).to_contain_text(f"{times}.00 GiB of 10.00 GiB")
    expect(panel.get_by_role("img", name=re.compile("Percent above, speed below"))).to_be_visible()


def test_an_explanation_is_fetched_when_it_is_asked_for(world: PageWorld, page: Page) -> None:
    world.add("job-a", GIB, name="web-01")
    page.goto(f"{world.start()}/#job=job-a")
    page.get_by_role("button", name="Ask the VMA now and explain").click()
    panel = page.get_by_role("region", name="web-01")
    expect(panel).to_contain_text("Rules, in the order in which they were applied")
    expect(panel).to_contain_text("P2")


def test_a_job_is_stopped_and_started_after_a_question(world: PageWorld, page: Page) -> None:
    world.add("job-a", GIB, name="web-01")
    page.goto(f"{world.start()}/#job=job-a")
    page.get_by_role("button", name="Stop polling").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Stop polling").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    panel = page.get_by_role("region", name="web-01")
    expect(panel).to_contain_text("Stopped by hand")
    expect(page.get_by_role("list", name="Needs attention")).to_contain_text("Stopped by hand")
    page.get_by_role("button", name="Start polling").click()
    page.get_by_role("dialog").get_by_role("button", name="Start").click()
    expect(panel).to_contain_text("In sight")


def test_the_token_is_asked_for_and_kept_for_the_tab(world: PageWorld, watched: Watched) -> None:
    page = watched.page
    token = {"OMA_API_TOKEN": "open-sesame", "OMA_API_TOKEN_READ": "true"}
    world.add("job-a", GIB, name="web-01")
    page.goto(f"{world.start(**token)}/#job=job-a")
    page.get_by_role("textbox", name="Token").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_text("the bearer token is wrong")).to_be_visible()
    page.get_by_role("textbox", name="Token").fill("open-sesame")
    page.keyboard.press("Enter")
    panel = page.get_by_role("region", name="web-01")
    expect(panel).to_contain_text("1.00 GiB of 10.00 GiB")
    page.reload()
    expect(panel).to_contain_text("1.00 GiB of 10.00 GiB")
    expect(page.get_by_role("dialog")).to_have_count(0)
    watched.forget_lost_connections()


def test_a_job_that_is_not_there_says_so(world: PageWorld, watched: Watched) -> None:
    world.add("job-a", GIB, name="web-01")
    watched.page.goto(f"{world.start()}/#job=job-x")
    expect(watched.page.locator("#detail")).to_contain_text("is not in replication_jobs")
    watched.errors = [error for error in watched.errors if "404" not in error]
