"""The description of the API in a browser: every call and schema, for everyone, loaded from here alone."""

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no annotations
from page_world import PageWorld, Watched
from playwright.sync_api import Page, expect

from oma_poller.web.openapi import document

pytestmark = pytest.mark.browser

TOKEN = "a-t0ken-for-this-test"  # noqa: S105 - made up
DESCRIBED = document(has_token=False)
CALLS = [f"{method.upper()} {path}" for path, methods in DESCRIBED["paths"].items() for method in methods]


@pytest.fixture
def docs(world: PageWorld, page: Page) -> Page:
    """Return the page of the description, shown."""
    page.goto(f"{world.start().rstrip('/')}/docs")
    expect(page.locator(".schema").last).to_be_visible()
    return page


def test_every_call_and_every_schema_is_shown(docs: Page) -> None:
    contents = docs.get_by_role("navigation", name="Calls and schemas").get_by_role("link")
    assert contents.all_inner_texts() == [*CALLS, *DESCRIBED["components"]["schemas"]]
    assert docs.locator(".call").count() == len(CALLS)
    assert docs.locator(".schema").count() == len(DESCRIBED["components"]["schemas"])


def test_a_call_tells_its_parameters_its_answers_and_how_it_is_made(docs: Page) -> None:
    docs.get_by_role("link", name="GET /api/v1/progress", exact=True).press("Enter")
    call = docs.locator("#call-get-api-v1-progress")
    expect(call).to_be_in_viewport()
    limit = call.get_by_role("row", name="limit")
    expect(limit).to_contain_text("integer, from 1 to 10000")
    expect(call.get_by_role("row", name="304")).to_contain_text("Nothing changed")
    expect(call.locator(".example")).to_contain_text("/api/v1/progress?")
    call.get_by_role("link", name="JobPage").click()
    expect(docs.locator("#schema-JobPage")).to_be_in_viewport()
    start = docs.locator("#call-post-api-v1-polling-job-id-start .example")
    expect(start).to_contain_text("curl -X POST 'http://127.0.0.1:")


def test_a_link_to_a_call_leads_there(docs: Page) -> None:
    docs.goto(docs.url + "#schema-VmaRow")
    docs.reload()
    expect(docs.locator("#schema-VmaRow")).to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1440])
def test_axe_finds_nothing_wrong_and_nothing_is_wider_than_the_screen(
    docs: Page, scheme: str, width: int
) -> None:
    docs.set_viewport_size({"width": width, "height": 800})
    docs.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the words
    found = Axe().run(docs).response["violations"]
    assert [(one["id"], node["html"]) for one in found for node in one["nodes"]] == []
    assert docs.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_goes_to_the_calls_at_once(docs: Page) -> None:
    docs.keyboard.press("Tab")
    expect(docs.get_by_role("link", name="Skip to the calls")).to_be_focused()
    docs.keyboard.press("Enter")
    expect(docs.locator("#calls")).to_be_focused()


def test_where_reading_needs_the_token_it_is_asked_for(
    world: PageWorld, page: Page, watched: Watched
) -> None:
    url = world.start(OMA_API_TOKEN=TOKEN, OMA_API_TOKEN_READ="true")  # noqa: S106 - a switch, no token
    page.goto(f"{url.rstrip('/')}/docs")
    page.get_by_role("dialog").get_by_role("textbox").fill(TOKEN)
    page.keyboard.press("Enter")
    expect(page.locator(".call")).to_have_count(len(CALLS))
    assert TOKEN not in page.content()
    watched.forget_lost_connections()  # the 401 is what is tested
