"""axe-core finds nothing to mend on any page, light and dark, wide and narrow; and nothing scrolls sideways."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from patreview.demo.story import DESKTOP_DOM0
from tests.e2e.browsing import FIRST_GUEST, PROJECT, log_in, member, report_path

pytestmark = pytest.mark.e2e

PAGES = {
    "home": "/",
    "project": f"/p/{PROJECT}/",
    "list": f"/p/{PROJECT}/submissions/",
    "activity": f"/p/{PROJECT}/activity/",
    "platforms": f"/p/{PROJECT}/platforms/",
    "platform": f"/p/{PROJECT}/platforms/{DESKTOP_DOM0.platform.name}/",
    "add a platform": f"/p/{PROJECT}/platforms/add/",
    "layouts": f"/p/{PROJECT}/layouts/",
    "layout": f"/p/{PROJECT}/layouts/{DESKTOP_DOM0.platform.layout}/",
    "guests": f"/p/{PROJECT}/guests/",
    "guests one by one": f"/p/{PROJECT}/guests/list/",
    "guest": f"/p/{PROJECT}/guests/{FIRST_GUEST}/",
    "submit a layout": f"/p/{PROJECT}/submit/",
    "submit a guest": f"/p/{PROJECT}/submit/?kind=guest",
    "desktop report": "desktop",
    "2010 report": "2010",
    "memory types": "/memory-types/",
    "memory types of AMD": "/memory-types/?vendor=amd",
    "kernels": "/kernels/",
    "hypervisors": "/hypervisors/",
    "rules": "/rules/",
    "a rule": "/rules/ENC010/",
    "compare": "/compare/?a=s1&b=s2&show=regressed,new,changed,fixed,gone,unchanged",
    "what to compare": "/compare/?b=s2",
    "settings": f"/p/{PROJECT}/settings/",
    "account": "/account/",
    "no such invitation": "/invitations/none/",
    "status": "/status/",
    "no such page": "/p/none/",
}
LOG = "[    0.000000] Linux version 6.12.117 (a@b) (gcc 12) #1 SMP\n[    0.000000] x86/PAT: new words\n"


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages(browser, base, theme, width):
    page = browser.new_context(color_scheme=theme, viewport={"width": width, "height": 900}).new_page()
    page.goto(f"{base}/login/")
    problems = {"login": violations(page)}
    log_in(page, base, member("maintainer"))
    for name, where in PAGES.items():
        path = where if where.startswith("/") else report_path(page, base, where)
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
