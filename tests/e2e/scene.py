"""A project in the middle of a review, so that every page has something on it; and where the pages are."""

from playwright.sync_api import Browser, Page

from tests.e2e.browsing import PROJECT, log_in, member, report_path

FIRST, SECOND = "WB WT UC- UC WC WP UC- UC", "WB WT UC- UC WC WP UC- UC-"
TITLE = "UC- at the top of the layout"
TOP = f"/p/{PROJECT}"


def pages(browser: Browser, base: str) -> dict[str, str]:
    """Play the scene, and say where each page of the product is."""
    submission, finding = _play(browser, base)
    number = submission.strip("/").split("/")[1]
    desktop, story = _demo_reports(browser, base)
    return {
        "home": "/",
        "project": f"{TOP}/",
        "submissions": f"{TOP}/submissions/",
        "findings": f"{TOP}/findings/",
        "submit a layout": f"{TOP}/submit/",
        "submit a guest": f"{TOP}/submit/?kind=guest",
        "desktop report": desktop,
        "2010 report": story,
        "submission under review": submission,
        "earlier revision": f"{submission}r1/",
        "finding": finding,
        "compare": f"/compare/?a=s{number}r1&b=s{number}r2&show=regressed,new,changed,fixed,gone,unchanged",
        "compare apart": f"/compare/?a=s1&b=s{number}",
        "what to compare": f"/compare/?b=s{number}",
        "waivers": f"{TOP}/waivers/",
        "platforms": f"{TOP}/platforms/",
        "platform": f"{TOP}/platforms/xen-4.17/",
        "add a platform": f"{TOP}/platforms/add/",
        "layouts": f"{TOP}/layouts/",
        "layout": f"{TOP}/layouts/0x0000050100070406/",
        "guests by class": f"{TOP}/guests/",
        "guests": f"{TOP}/guests/list/",
        "guest": _first_guest(browser, base),
        "activity": f"{TOP}/activity/",
        "settings": f"{TOP}/settings/",
        "account": "/account/",
        "no such invitation": "/invitations/none/",
        "memory types": "/memory-types/",
        "memory types of AMD": "/memory-types/?vendor=amd",
        "kernels": "/kernels/",
        "hypervisors": "/hypervisors/",
        "rules": "/rules/",
        "rule": "/rules/ENC010/",
        "status": "/status/",
        "no such page": "/p/none/",
    }


def _play(browser: Browser, base: str) -> tuple[str, str]:
    """Two revisions, an open thread, a proposed waiver, a request for changes. The paths of submission and finding."""
    dana, jo = _person(browser, base, member("submitter")), _person(browser, base, member("reviewer"))
    dana.goto(f"{base}{TOP}/submit/")
    dana.get_by_label("Title").fill(TITLE)
    _submit(dana, FIRST)
    path = dana.url.removeprefix(base).partition("#")[0]
    jo.goto(base + path)
    jo.get_by_label("Comment on r1").fill("Does anybody rely on **PA6**?\n\n- `mlx4_ib` does not\n\n> UC- there?")
    jo.get_by_label("About").select_option("entry:PA6")
    jo.get_by_label("Must be resolved before").check()
    jo.get_by_role("button", name="Comment", exact=True).click()
    jo.get_by_role("radio", name="Request changes").check()
    jo.get_by_label("Why shown with the vote").fill("PA7 as well, please.")
    jo.get_by_role("button", name="Vote", exact=True).click()
    dana.goto(f"{base}{path}revise/")
    _submit(dana, SECOND)
    finding = dana.locator(".finding a[href*='/findings/']").first.get_attribute("href") or ""
    dana.goto(base + finding)
    dana.get_by_label("Why the team can live").fill("The domain is idle until the card is replaced.")
    last = dana.get_by_label("Last day, in UTC").get_attribute("max") or ""
    dana.get_by_label("Last day, in UTC").fill(last)
    dana.get_by_role("button", name="Propose the waiver").click()
    for page in (dana, jo):
        page.context.close()
    return path, finding


def _person(browser: Browser, base: str, name: str) -> Page:
    page = browser.new_context().new_page()
    log_in(page, base, name)
    return page


def _submit(page: Page, layout: str) -> None:
    page.get_by_label("Or as text").fill(layout)
    page.get_by_role("button", name="Submit", exact=True).click()
    page.locator("#findings").wait_for(timeout=60_000)


def _demo_reports(browser: Browser, base: str) -> tuple[str, str]:
    page = _person(browser, base, member("maintainer"))
    found = report_path(page, base, "desktop"), report_path(page, base, "2010")
    page.context.close()
    return found


def _first_guest(browser: Browser, base: str) -> str:
    page = _person(browser, base, member("maintainer"))
    page.goto(f"{base}{TOP}/guests/list/")
    path = page.locator("table.grid tbody th a").first.get_attribute("href") or ""
    page.context.close()
    return path
