"""How a walk touches a page: by pointer, or by keyboard alone."""

from playwright.sync_api import Locator, Page

TABS_MAX = 600


class Pointer:
    """Clicks and fills, as Playwright does."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, target: Locator) -> None:
        target.click()

    def fill(self, target: Locator, text: str) -> None:
        target.fill(text)

    def check(self, target: Locator) -> None:
        target.check()

    def choose(self, target: Locator, value: str) -> None:
        target.select_option(value)

    def unfold(self, summary: Locator) -> None:
        summary.click()


class Keyboard(Pointer):
    """Only keys: Tab until the thing has the focus, then what one types there."""

    def press(self, target: Locator) -> None:
        self._reach(target)
        self.page.keyboard.press("Enter")

    def unfold(self, summary: Locator) -> None:
        self.press(summary)

    def fill(self, target: Locator, text: str) -> None:
        self._reach(target)
        if target.get_attribute("type") == "date":  # typed in the order that the browser shows: month, day, year
            year, month, day = text.split("-")
            self.page.keyboard.type(f"{month}{day}{year}")
            return
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def check(self, target: Locator) -> None:
        """Space for a box; a radio is reached by Tab as a group and chosen by arrows."""
        if target.get_attribute("type") != "radio":
            self._reach(target)
            self.page.keyboard.press("Space")
            return
        group = self.page.locator(f"input[type=radio][name={target.get_attribute('name')}]")
        self._reach(group.first)
        self.page.keyboard.press("Space")
        for _ in range(group.count()):
            if target.is_checked():
                return
            self.page.keyboard.press("ArrowDown")
        assert target.is_checked()

    def choose(self, target: Locator, value: str) -> None:
        self._reach(target)
        for _ in range(target.locator("option").count()):
            if target.input_value() == value:
                return
            self.page.keyboard.press("ArrowDown")
        assert target.input_value() == value

    def _reach(self, target: Locator) -> None:
        target.wait_for(state="attached")
        for _ in range(TABS_MAX):
            if target.evaluate("one => one === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{target} is not reached by Tab")
