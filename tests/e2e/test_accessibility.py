"""axe-core finds nothing to mend on any page, light and dark, wide and narrow; and nothing scrolls sideways."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.e2e import scene
from tests.e2e.browsing import PROJECT, log_in, member, report_path

pytestmark = pytest.mark.e2e

LOG = "[    0.000000] Linux version 6.12.117 (a@b) (gcc 12) #1 SMP\n[    0.000000] x86/PAT: new words\n"


@pytest.fixture(scope="module")
def pages(browser, base):
    return scene.pages(browser, base)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages(browser, base, pages, theme, width):
    page = browser.new_context(color_scheme=theme, viewport={"width": width, "height": 900}).new_page()
    page.goto(f"{base}/login/")
    problems = {"login": violations(page)}
    log_in(page, base, member("maintainer"))
    for name, path in pages.items():
        page.goto(f"{base}{path}")
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        problems[name] = violations(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} scrolls sideways"
    problems["preview"] = _preview(page, base)
    page.context.close()
    assert {name: found for name, found in problems.items() if found} == {}


def _preview(page, base):
    """What a boot log with a line that is not understood is taken for, and the form below."""
    page.goto(f"{base}/p/{PROJECT}/submit/?kind=guest")
    page.get_by_label("Title").fill("A boot log")
    page.get_by_label("Name", exact=True).fill("k")
    page.get_by_label("Files", exact=True).set_input_files(
        {"name": "dmesg.txt", "mimeType": "text/plain", "buffer": LOG.encode()}
    )
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("heading", name="What would be submitted").wait_for()
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the preview scrolls sideways"
    return violations(page)


def violations(page):
    found = Axe().run(page).response["violations"]
    return [(item["id"], [node["html"][:120] for node in item["nodes"]]) for item in found]


def test_keyboard(browser, base):
    """The first stop is the skip link, every stop shows its focus, and the report needs no pointer."""
    page = browser.new_context().new_page()
    log_in(page, base, member("submitter"))
    report_path(page, base, "desktop")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    closed = page.locator(".finding details:not([open]) summary").first
    closed.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open") is True
    page.context.close()
