"""Pictures of the pages, light and dark, wide and narrow: `python -m tests.e2e.screenshots [FOLDER]`."""

import sys
from pathlib import Path

from playwright.sync_api import Browser

from tests.e2e import scene
from tests.e2e.browsing import address, log_in, member, running_browser, running_service

WIDTHS = (1280, 390)
THEMES = ("light", "dark")


def take(browser: Browser, base: str, folder: Path) -> None:
    pages = scene.pages(browser, base)
    for theme in THEMES:
        for width in WIDTHS:
            page = browser.new_context(color_scheme=theme, viewport={"width": width, "height": 900}).new_page()
            log_in(page, base, member("maintainer"))
            for name, path in pages.items():
                page.goto(f"{base}{path}")
                page.screenshot(path=folder / f"{name.replace(' ', '-')}-{theme}-{width}.png", full_page=True)
            page.context.close()


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "var/screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    with running_service() as installation, running_browser() as browser:
        take(browser, address(installation), folder)
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")


if __name__ == "__main__":
    main()
