"""Three people review a layout: a draft, a request for changes, a second revision, a waiver, approval, adoption."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from patreview.demo.story import DESKTOP_DOM0
from tests.e2e.browsing import PROJECT, address, log_in, member, running_service
from tests.e2e.hands import Keyboard, Pointer

pytestmark = pytest.mark.e2e

PLATFORM = DESKTOP_DOM0.platform.name
FIRST, SECOND = "WB WT UC- UC WC WP UC- UC", "WB WT UC- UC WC WP UC- UC-"
TITLE = "UC- at the top"
LIMIT_MS = 60_000


class Person:
    """Somebody in a browser of their own."""

    def __init__(self, browser, base, name, hands, *, scripts):
        self.page = browser.new_context(java_script_enabled=scripts).new_page()
        self.base, self.name = base, name
        log_in(self.page, base, name)
        self.hands = hands(self.page)

    def goes_to(self, path):
        self.page.goto(f"{self.base}{path}")

    def button(self, name):
        return self.page.get_by_role("button", name=name, exact=True)

    def link(self, name):
        return self.page.get_by_role("link", name=name)

    def sees(self, text):
        expect(self.page.locator("main")).to_contain_text(text)

    def waits_for_the_report(self, verdict):
        expect(self.page.locator(".band .word")).to_contain_text(verdict, timeout=LIMIT_MS)

    def submission(self):
        self.goes_to(f"/p/{PROJECT}/submissions/")
        self.page.get_by_role("link", name=TITLE).click()


@pytest.fixture
def installed():
    """A service of its own: what is adopted here stays in force here."""
    with running_service() as started:
        yield address(started)


@pytest.mark.parametrize(
    ("hands", "scripts"),
    [
        pytest.param(Pointer, True, id="pointer"),
        pytest.param(Keyboard, True, id="keyboard"),
        pytest.param(Pointer, False, id="without JavaScript"),
    ],
)
def test_a_team_reviews_a_layout(browser, installed, hands, scripts):
    people = [Person(browser, installed, name, hands, scripts=scripts) for name in ("dana", "jo", "max")]
    dana, jo, maintainer = people
    assert (member("submitter"), member("reviewer"), member("maintainer")) == ("dana", "jo", "max")
    propose(dana)
    look_and_request_changes(jo)
    answer_and_revise(dana)
    propose_a_waiver(dana)
    is_refused_to_approve(dana)
    accept_the_waiver(maintainer)
    resolve_and_approve(jo)
    adopt(maintainer)
    for person in people:
        person.page.context.close()


def propose(dana):
    dana.goes_to(f"/p/{PROJECT}/submit/")
    dana.hands.fill(dana.page.get_by_label("Title"), TITLE)
    dana.hands.fill(dana.page.get_by_label("Or as text"), FIRST)
    dana.hands.press(dana.button("Submit"))
    dana.waits_for_the_report("Incompatible")  # sys-gpu is broken by the layout in force already


def look_and_request_changes(jo):
    """A draft on a finding is the reviewer's alone until the vote publishes it."""
    jo.goes_to("/")
    jo.sees("to vote on")
    jo.hands.press(jo.page.get_by_role("link", name=TITLE).first)
    jo.hands.press(jo.page.locator(".finding").first.get_by_role("link", name=re.compile("^Discuss or waive")))
    jo.hands.fill(jo.page.get_by_label("Comment on this finding"), "Is *sys-gpu* used at all?")
    jo.hands.check(jo.page.get_by_label("Must be resolved before anything is adopted"))
    jo.hands.press(jo.button("Keep as draft"))
    jo.sees("draft, seen by you alone")
    jo.hands.check(jo.page.get_by_role("radio", name=re.compile("^Request changes")))
    jo.hands.fill(jo.page.get_by_label(re.compile("^Why shown with the vote")), "PA7 as well, please.")
    jo.hands.press(jo.button("Vote"))
    jo.sees("Your vote is recorded.")
    expect(jo.page.locator(".said em")).to_have_text("sys-gpu")
    expect(jo.page.get_by_text("seen by you alone")).to_have_count(0)


def answer_and_revise(dana):
    dana.goes_to("/")
    dana.sees("to answer")
    dana.submission()
    dana.sees("answer jo: a new revision, or talk them round")
    dana.hands.unfold(dana.page.locator(".threadbox summary", has_text="Reply").first)
    dana.hands.fill(dana.page.get_by_label(re.compile("^Reply Markdown")), "It is idle until the card is replaced.")
    dana.hands.press(dana.button("Reply"))
    dana.sees("It is idle until the card is replaced.")
    dana.hands.press(dana.link("New revision"))
    dana.hands.fill(dana.page.get_by_label("Or as text"), SECOND)
    dana.hands.press(dana.button("Submit"))
    dana.waits_for_the_report("Incompatible")
    dana.sees("latest of 2")
    dana.sees("still stands")


def propose_a_waiver(dana):
    dana.hands.press(dana.page.locator(".finding").first.get_by_role("link", name=re.compile("^Discuss or waive")))
    dana.hands.fill(dana.page.get_by_label(re.compile("^Why the team can live with it")), "The domain is idle.")
    tomorrow = dana.page.get_by_label(re.compile("^Last day, in UTC")).get_attribute("max")
    dana.hands.fill(dana.page.get_by_label(re.compile("^Last day, in UTC")), tomorrow)
    dana.hands.press(dana.button("Propose the waiver"))
    dana.sees("Proposed: a second person has to accept it.")


def is_refused_to_approve(dana):
    """Nothing to press, the reason is written there, and a forged form gets 403."""
    expect(dana.page.get_by_role("radio", name="Approve")).to_have_count(0)
    dana.sees("somebody else must approve it")
    token = dana.page.locator("#comment input[name=csrfmiddlewaretoken]").get_attribute("value")
    where = dana.page.url.split("#")[0]
    for value in ("approve", "nits"):
        answer = dana.page.request.post(f"{where}vote/", form={"csrfmiddlewaretoken": token, "value": value})
        assert answer.status == 403


def accept_the_waiver(maintainer):
    maintainer.goes_to("/")
    maintainer.sees("1 to decide")
    maintainer.hands.press(
        maintainer.link("Waivers").first if maintainer.link("Waivers").count() else maintainer.link(TITLE).first
    )
    maintainer.hands.press(maintainer.button("Accept W-1"))
    maintainer.sees("The waiver is accepted.")


def resolve_and_approve(jo):
    jo.submission()
    jo.sees("1 finding waived")
    jo.sees("Incompatible")  # a waiver changes no verdict
    jo.hands.press(jo.page.get_by_role("button", name=re.compile("^Resolve thread")))
    jo.sees("The thread is resolved.")
    jo.hands.check(jo.page.get_by_role("radio", name=re.compile(r"^Approve(?! with)")))
    jo.hands.press(jo.button("Vote"))
    jo.sees("Your vote is recorded.")
    jo.sees("Gate: ready, with warnings")


def adopt(maintainer):
    maintainer.submission()
    maintainer.sees("adopt it: every condition holds")
    maintainer.hands.press(maintainer.button("Adopt r2"))
    maintainer.sees("Adopted: later proposals are checked against it.")
    maintainer.goes_to(f"/p/{PROJECT}/")
    in_force = maintainer.page.get_by_role("list", name=f"Layout in force on {PLATFORM}")
    assert in_force.inner_text().split() == SECOND.split()


README = Path(__file__).parents[2] / "README.md"


def test_the_path_of_the_readme_ends_with_an_adopted_layout(browser, installed):
    """What the README says to type and press, by the three people that it names."""
    told = README.read_text().partition("### From a proposal to a layout in force")[2].partition("\n### ")[0]
    title, layout = re.findall(r"`([^`]+)`", told)[1:3]
    erin, jo, kim = (Person(browser, installed, name, Pointer, scripts=True) for name in ("erin", "jo", "kim"))
    erin.hands.press(erin.link("xen-devel 2010").first)
    erin.hands.press(erin.page.get_by_role("link", name="Submit", exact=True))
    erin.hands.fill(erin.page.get_by_label("Title"), title)
    erin.hands.fill(erin.page.get_by_label("Or as text"), layout)
    erin.hands.press(erin.button("Submit"))
    erin.waits_for_the_report("Degraded")
    expect(erin.page.get_by_role("radio")).to_have_count(0)
    jo.goes_to("/")
    jo.hands.press(jo.page.locator(".todo li", has_text=title).get_by_role("link", name=re.compile("^Vote")))
    jo.hands.check(jo.page.get_by_role("radio", name=re.compile(r"^Approve(?! with)")))
    jo.hands.press(jo.button("Vote"))
    kim.goes_to("/")
    kim.hands.press(kim.page.locator(".todo li", has_text=title).get_by_role("link", name=re.compile("^Adopt")))
    kim.hands.press(kim.button("Adopt r1"))
    kim.sees("Adopted: later proposals are checked against it.")
    kim.goes_to("/p/xen-devel-2010/")
    in_force = kim.page.get_by_role("list", name="Layout in force on xen-3.4")
    assert in_force.inner_text().split() == layout.split()
