"""Takes the pictures of the page in docs/screenshots, from the real program on a fleet of forty jobs.

    PYTHONPATH=tests/support .venv/bin/python -m tools.screenshots [FOLDER]

Needs Chromium. It takes half a minute: the jobs do first what they are to be seen doing.
"""

import sys
import tempfile
import time
from pathlib import Path

from chromium import chromium
from playwright.sync_api import Page, ViewportSize
from tools.lively_fleet import lively_poller

ROOT = Path(__file__).parents[1]
_BEFORE_SOUTH_GOES_S = 8
_SCENE_S = 34
"""By then one job stands still, one has failed, one has ended, and one VMA is away."""
_WIDE: ViewportSize = {"width": 1440, "height": 1000}
_NARROW: ViewportSize = {"width": 400, "height": 1500}


def take(page: Page, folder: Path) -> None:
    """Take all pictures of a page that has been open for a while."""
    page.emulate_media(color_scheme="light")
    page.screenshot(path=folder / "light.png")
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(500)
    page.screenshot(path=folder / "dark.png")
    page.emulate_media(color_scheme="light")
    page.get_by_role("table", name="Jobs").get_by_role("link", name="db-04").click()
    page.get_by_role("img").wait_for()
    page.wait_for_timeout(1500)
    page.screenshot(path=folder / "job.png")
    page.keyboard.press("Escape")
    page.set_viewport_size(_NARROW)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(300)
    page.screenshot(path=folder / "narrow.png")


def main(arguments: list[str]) -> int:
    """Take the pictures; the exit status is 0."""
    folder = Path(arguments[0]) if arguments else ROOT / "docs" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, lively_poller(Path(place)) as (poller, south):
        url = poller.wait_for("API listening")["url"]
        with chromium() as browser:
            page = browser.new_page(viewport=_WIDE)
            page.goto(url)
            time.sleep(_BEFORE_SOUTH_GOES_S)
            south.close()
            time.sleep(_SCENE_S - _BEFORE_SOUTH_GOES_S)
            take(page, folder)
    for picture in sorted(folder.glob("*.png")):
        print(f"{picture.name}: {picture.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
