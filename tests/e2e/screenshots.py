"""Pictures of the pages, light and dark, wide and narrow: `python -m tests.e2e.screenshots [FOLDER]`."""

import sys
from pathlib import Path

from playwright.sync_api import Browser

from patreview.demo.story import DESKTOP_DOM0
from tests.e2e.browsing import (
    FIRST_GUEST,
    PROJECT,
    address,
    log_in,
    member,
    report_path,
    running_browser,
    running_service,
)

PAGES = {
    "report-desktop": "desktop",
    "report-2010": "2010",
    "submit-layout": f"/p/{PROJECT}/submit/",
    "submit-guest": f"/p/{PROJECT}/submit/?kind=guest",
    "list": f"/p/{PROJECT}/submissions/",
    "project": f"/p/{PROJECT}/",
    "settings": f"/p/{PROJECT}/settings/",
    "account": "/account/",
    "platforms": f"/p/{PROJECT}/platforms/",
    "platform": f"/p/{PROJECT}/platforms/{DESKTOP_DOM0.platform.name}/",
    "layouts": f"/p/{PROJECT}/layouts/",
    "layout": f"/p/{PROJECT}/layouts/{DESKTOP_DOM0.platform.layout}/",
    "guests": f"/p/{PROJECT}/guests/",
    "guest-list": f"/p/{PROJECT}/guests/list/",
    "guest": f"/p/{PROJECT}/guests/{FIRST_GUEST}/",
    "home": "/",
    "memory-types": "/memory-types/",
    "memory-types-amd": "/memory-types/?vendor=amd",
    "kernels": "/kernels/",
    "hypervisors": "/hypervisors/",
    "rules": "/rules/",
    "rule": "/rules/ENC010/",
    "compare": "/compare/?a=s1&b=s2",
}
WIDTHS = (1280, 390)
THEMES = ("light", "dark")


def take(browser: Browser, base: str, folder: Path) -> None:
    for theme in THEMES:
        for width in WIDTHS:
            page = browser.new_context(color_scheme=theme, viewport={"width": width, "height": 900}).new_page()
            log_in(page, base, member("submitter"))
            for name, where in PAGES.items():
                path = where if where.startswith("/") else report_path(page, base, where)
                page.goto(f"{base}{path}")
                page.screenshot(path=folder / f"{name}-{theme}-{width}.png", full_page=True)
            page.context.close()


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "var/screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    with running_service() as installation, running_browser() as browser:
        take(browser, address(installation), folder)
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")


if __name__ == "__main__":
    main()
