"""Reports under axe-core, and pictures of their maps, in light, dark and on a phone.

``python benchmarks/report_pages.py FOLDER REPORT.html ...`` opens each report in headless Chromium
(``CHROMIUM`` names its program), writes pictures of the maps into the folder, and prints what
axe-core finds as Markdown. Needs playwright and axe-playwright-python.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

VIEWS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 760, "height": 900}},
    "dark": {"viewport": {"width": 760, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}


def look(browser: Browser, report: Path, folder: Path, view: str) -> str:
    """One line of the table."""
    page = browser.new_context(**VIEWS[view]).new_page()
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.goto(report.resolve().as_uri())
    page.wait_for_selector("#map-legend li")
    canvas = page.locator("#map-canvas")
    canvas.scroll_into_view_if_needed()
    page.wait_for_timeout(1000)
    canvas.screenshot(path=folder / f"{report.stem}-{view}.png")
    found = Axe().run(page).response
    wrong = [f"{one['id']} ({one['impact']})" for one in found["violations"]]
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    cells = [
        report.stem, view, found["testEngine"]["version"], len(found["passes"]),
        ", ".join(wrong) or "none", len(errors), "yes" if wide else "no",
    ]  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def main(folder: Path, reports: list[Path]) -> None:
    """Print what was found."""
    print("| report | view | axe-core | rules passed | violations | console errors | too wide |")
    print("|---|---|---|---|---|---|---|")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=os.environ.get("CHROMIUM"), args=["--no-sandbox", "--disable-gpu"]
        )
        for report in reports:
            for view in VIEWS:
                print(look(browser, report, folder, view), flush=True)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), list(map(Path, sys.argv[2:])))
