"""A maintainer invites, a newcomer joins by the link without JavaScript, makes a token, and is removed."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import PROJECT, log_in, member
from tests.e2e.test_accessibility import violations

pytestmark = pytest.mark.e2e
NAME, PASSWORD = "newcomer", "correct horse battery"
SETTINGS = f"/p/{PROJECT}/settings/"


def invite(page, base):
    page.goto(f"{base}{SETTINGS}")
    page.get_by_text("Invite somebody").click()
    page.get_by_label("Role", exact=True).last.select_option("reviewer")
    page.get_by_label("Note").fill("Welcome.")
    page.get_by_role("button", name="Make the link").click()
    assert violations(page) == []
    return page.get_by_label("Invitation link").inner_text().strip()


def test_from_an_invitation_to_a_removal(browser, base):
    maintainer = browser.new_context().new_page()
    log_in(maintainer, base, member("maintainer"))
    link = invite(maintainer, base)
    newcomer = browser.new_context(java_script_enabled=False).new_page()
    newcomer.goto(link)
    expect(newcomer.get_by_role("heading", level=1)).to_contain_text("Invitation to")
    newcomer.get_by_label("Name").fill(NAME)
    newcomer.get_by_label("Password").fill(PASSWORD)
    newcomer.get_by_role("button", name="Make the account and accept").click()
    expect(newcomer).to_have_url(f"{base}/p/{PROJECT}/")
    expect(newcomer.get_by_text("Welcome: you are reviewer")).to_be_visible()
    newcomer.get_by_role("link", name="People and settings").click()
    newcomer.get_by_text("Make a token", exact=True).click()
    newcomer.get_by_label("Name", exact=True).fill("nightly")
    newcomer.get_by_role("button", name="Make the token").click()
    expect(newcomer.get_by_label("Token", exact=True)).to_have_text(re.compile("^prt_"))
    maintainer.goto(link)
    expect(maintainer.get_by_text("accepted already")).to_be_visible()
    remove(maintainer, base)
    newcomer.goto(f"{base}{SETTINGS}")
    expect(newcomer.get_by_role("heading", level=1)).to_have_text("Not allowed")
    newcomer.goto(f"{base}/account/")
    expect(newcomer.get_by_text("You are in no project yet.")).to_be_visible()
    for page in (maintainer, newcomer):
        page.context.close()


def remove(page, base):
    page.goto(f"{base}{SETTINGS}")
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=NAME))
    row.get_by_text("Change").first.click()
    row.get_by_role("button", name=f"Remove {NAME}").click()
    expect(page.get_by_text(f"{NAME} is no member any more")).to_be_visible()
