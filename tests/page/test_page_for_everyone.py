"""The page for those who use a screen reader, a phone or a dark room; and names that mean harm."""

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no annotations
from oma_database import GIB
from page_world import PageWorld
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

HARMFUL = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
def bad_night(world: PageWorld, page: Page) -> Page:
    """Return the page with a job that stands still, one that is unknown, and one with a harmful name."""
    world.add("job-a", GIB, name="web-01")
    world.add("job-b", GIB, name=HARMFUL)
    world.add("job-c", GIB, name="db-01")
    world.vma.entries.pop("migration-vol-v-job-c-0")
    page.goto(world.start(VMA_PROGRESS_STALL_AFTER="1s"))
    expect(page.get_by_role("list", name="Needs attention")).to_contain_text("Stands still")
    expect(page.get_by_role("list", name="Needs attention")).to_contain_text("Never reported")
    return page


def violations(page: Page) -> str:
    """Return what axe finds wrong, one line each; empty where it finds nothing."""
    found = Axe().run(page).response["violations"]
    return "\n".join(f"{one['id']}: {node['html']} {node['any']}" for one in found for node in one["nodes"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_with_the_list_or_with_a_job(bad_night: Page, scheme: str) -> None:
    bad_night.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]  # one of the words
    assert violations(bad_night) == ""
    bad_night.locator(".body").get_by_role("link", name="web-01").click()
    bad_night.get_by_role("button", name="Ask the VMA now and explain").click()
    expect(bad_night.locator(".account")).to_be_visible()
    assert violations(bad_night) == ""


def test_a_name_that_is_a_script_is_shown_as_text(bad_night: Page) -> None:
    alerts: list[str] = []
    bad_night.on("dialog", lambda dialog: alerts.append(dialog.message))
    bad_night.locator(".body").get_by_role("link", name=HARMFUL).click()
    expect(bad_night.get_by_role("heading", name=HARMFUL)).to_be_visible()
    assert bad_night.locator("body script, img[src=x]").count() == 0
    assert alerts == []


def test_on_a_narrow_screen_nothing_is_wider_than_it_and_rows_are_cards(bad_night: Page) -> None:
    bad_night.set_viewport_size({"width": 400, "height": 800})
    card = bad_night.locator(".body .row").first
    expect(card).to_be_visible()
    assert bad_night.evaluate("document.documentElement.scrollWidth") <= 400
    box = card.bounding_box()
    assert box is not None
    assert box["height"] > 100
    assert violations(bad_night) == ""


def test_the_theme_that_is_chosen_stays(bad_night: Page) -> None:
    def ground() -> str:
        return str(bad_night.evaluate("getComputedStyle(document.body).backgroundColor"))

    bad_night.emulate_media(color_scheme="light")
    light = ground()
    bad_night.get_by_role("button", name="Theme: system").click()
    assert ground() != light
    bad_night.reload()
    expect(bad_night.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert ground() != light
