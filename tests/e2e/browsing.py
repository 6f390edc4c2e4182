"""A browser of our own against a service of our own: what the walk and the screenshots share."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from patreview.demo.story import DESKTOP_DOM0, PASSWORD, XEN_DEVEL_2010, ProjectStory
from tests.faults.installation import Installation

PROJECT = DESKTOP_DOM0.slug
REPORT_LIMIT_S = 60.0
REPORTS = {"desktop": DESKTOP_DOM0, "2010": XEN_DEVEL_2010}


def member(role: str, story: ProjectStory = DESKTOP_DOM0) -> str:
    """Who has the role in a project of the demo."""
    return next(name for name, held in story.members.items() if held == role)


@contextmanager
def running_service() -> Iterator[Installation]:
    """The real processes over an empty data folder, with the demo."""
    installation = Installation()
    try:
        installation.start()
        yield installation
    finally:
        installation.stop()
        installation.remove()


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Chromium, the one that CHROMIUM names or Debian's."""
    with sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def address(installation: Installation) -> str:
    return f"http://127.0.0.1:{installation.port}"


def log_in(page: Page, base: str, name: str) -> None:
    page.goto(f"{base}/login/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", level=1, name="Your turn").wait_for()


def report_path(page: Page, base: str, which: str) -> str:
    """The path of a demo submission's page, once its report is there."""
    story = REPORTS[which]
    ends = time.monotonic() + REPORT_LIMIT_S
    page.goto(f"{base}/p/{story.slug}/submissions/")
    page.get_by_role("link", name=story.proposals[0].title).click()
    while not page.locator("#findings").count():
        assert time.monotonic() < ends, f"no report of {story.proposals[0].title} within {REPORT_LIMIT_S} s"
        page.wait_for_timeout(500)
        page.reload()
    return page.url.removeprefix(base)
