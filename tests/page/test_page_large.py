"""The page with two thousand jobs."""

import pytest
from many_rows import add_jobs, export_of
from page_world import SIZE_BYTES, PageWorld
from playwright.sync_api import Page, expect
from scripted_vma import entry

pytestmark = pytest.mark.browser

JOBS = 2000
MOST_ROWS = 60
LOADED_MS = "performance.now()"


def test_two_thousand_jobs_load_scroll_and_are_found(world: PageWorld, page: Page) -> None:
    job_ids = [f"job-{number:04d}" for number in range(JOBS)]
    add_jobs(world.oma, job_ids, [SIZE_BYTES])
    for job_id in job_ids:
        told = entry(export_of(job_id), bytes_transferred=SIZE_BYTES // 4, total_bytes=SIZE_BYTES)
        world.vma.entries[export_of(job_id)] = told
    page.goto(world.start(VMA_PROGRESS_POLL_INTERVAL="10s", VMA_PROGRESS_MAX_CONCURRENT="50"))
    expect(page.locator(".found")).to_have_text("2,000 jobs")
    print(f"2,000 jobs are shown {page.evaluate(LOADED_MS):.0f} ms after the navigation began")  # noqa: T201 - the figure is asked for
    rows = page.locator(".body .row")
    assert 10 < rows.count() < MOST_ROWS
    expect(page.locator("#table")).to_have_attribute("aria-rowcount", "2001")
    page.get_by_role("columnheader", name="Job").get_by_role("button").click()
    expect(rows.first).to_contain_text("job-0000")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(rows.last).to_contain_text("job-1999")
    assert rows.count() < MOST_ROWS
    expect(rows.last).to_have_attribute("aria-rowindex", "2001")
    page.get_by_role("searchbox").fill("job-0777")
    expect(page.locator(".found")).to_have_text("1 of 2,000 jobs")
    assert rows.count() == 1
