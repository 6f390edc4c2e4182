"""From a proposal to an adopted layout, as people walk it."""

import os
import re
import signal

import pytest
from playwright.sync_api import expect

from patreview.demo.story import XEN_DEVEL_2010
from tests import make_images
from tests.e2e.browsing import PROJECT, log_in, member

pytestmark = pytest.mark.e2e

# In this project a harmless layout can pass the gate: nothing that is in service is incompatible.
STORY = XEN_DEVEL_2010
PLATFORM = STORY.platform.name
VERDICT = "Degraded"  # one guest is slower than it could be, before and after
TITLE = "PA6 = UC- instead of UC"
LAYOUT = "WB WT UC- UC WC WP UC- UC"
SUBMISSION = re.compile(r"/s/\d+/$")


def propose(page, base, title, layout=LAYOUT, project=PROJECT):
    page.goto(f"{base}/p/{project}/submit/")
    page.get_by_label("Title").fill(title)
    page.get_by_label("Or as text").fill(layout)
    page.get_by_label("Note").fill("Nobody relies on PA6.")
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page).to_have_url(SUBMISSION)


def watch_the_run(page, dispatcher):
    """The page that waits becomes the report by itself: what was typed and the document stay."""
    expect(page.get_by_text("Queued", exact=True).first).to_be_visible()
    page.get_by_label("Comment on r1").fill("Typed while the run was queued.")
    page.evaluate("window.sameDocument = true")
    os.kill(dispatcher, signal.SIGCONT)
    expect(page.locator(".band .word")).to_have_text(VERDICT, timeout=60_000)
    expect(page).to_have_title(re.compile(f"^{VERDICT}: "))
    expect(page.locator("#announce")).to_contain_text(f"Report ready: {VERDICT}")
    expect(page.get_by_label("Comment on r1")).to_have_value("Typed while the run was queued.")
    assert page.evaluate("window.sameDocument") is True


def test_from_a_proposal_to_an_adopted_layout(installation, browser, base):
    dispatcher = installation.pid("dispatcher")
    proposing = browser.new_context().new_page()
    problems = []
    proposing.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    log_in(proposing, base, member("submitter", STORY))
    os.kill(dispatcher, signal.SIGSTOP)  # so that the wait can be seen
    try:
        propose(proposing, base, TITLE, project=STORY.slug)
        watch_the_run(proposing, dispatcher)
    finally:
        os.kill(dispatcher, signal.SIGCONT)
    read_the_report(proposing)
    comment(proposing)
    is_refused_to_approve(proposing)
    assert problems == [], "a script, a style or a request was refused by the browser"

    reviewing = browser.new_context().new_page()
    log_in(reviewing, base, member("maintainer", STORY))
    approve_and_adopt(reviewing, proposing.url)
    reviewing.goto(f"{base}/p/{STORY.slug}/")
    in_force = reviewing.get_by_role("list", name=f"Layout in force on {PLATFORM}")
    assert in_force.inner_text().split() == LAYOUT.split()
    for page in (proposing, reviewing):
        page.context.close()


def read_the_report(page):
    table = page.get_by_role("table", name=f"Entries PA0 to PA7 of {PLATFORM}, before and after")
    row = table.get_by_role("row").filter(has_text="PA6")
    expect(row).to_contain_text("UC-")
    expect(page.get_by_role("table", name=f"Guests on {PLATFORM}: what each gets for what it wants")).to_be_visible()
    page.locator(".finding summary").first.click()


def comment(page):
    page.get_by_label("Comment on r1").fill("<b>Tested</b> on two machines.")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.locator(".thread")).to_contain_text("<b>Tested</b> on two machines.")


def is_refused_to_approve(page):
    """There is nothing to press, the reason is written there, and a forged form gets 403."""
    expect(page.get_by_role("radio", name="Approve")).to_have_count(0)
    expect(page.get_by_text("somebody else must approve it")).to_be_visible()
    token = page.locator("#comment input[name=csrfmiddlewaretoken]").get_attribute("value")
    answer = page.request.post(
        f"{page.url.split('#')[0]}vote/", form={"csrfmiddlewaretoken": token, "value": "approve"}
    )
    assert answer.status == 403


def approve_and_adopt(page, url):
    page.goto(url)
    page.get_by_role("link", name="Vote on r1").click()
    page.get_by_role("radio", name=re.compile("^Approve with nits")).check()
    page.get_by_role("radio", name=re.compile(r"^Approve(?! with)")).check()
    page.get_by_role("button", name="Vote", exact=True).click()
    expect(page.get_by_text("Your vote is recorded.")).to_be_visible()
    page.get_by_role("button", name="Adopt r1").click()
    expect(page.get_by_text("Adopted: later proposals are checked against it.")).to_be_visible()
    expect(page.locator(".band .meta .tag")).to_have_text("adopted")


def test_a_maintainer_is_not_offered_to_approve_their_own(browser, base):
    page = browser.new_context().new_page()
    log_in(page, base, member("maintainer"))
    propose(page, base, "My own layout", "WB WT UC- UC WC WP UC UC-")
    expect(page.locator("#findings")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("radio", name="Request changes")).to_be_visible()
    expect(page.get_by_role("radio", name="Approve")).to_have_count(0)
    expect(page.get_by_text("You cannot approve this")).to_be_visible()
    page.context.close()


def test_without_javascript(browser, base):
    page = browser.new_context(java_script_enabled=False).new_page()
    log_in(page, base, member("submitter"))
    propose(page, base, "Without a script", "0x0407050600070106")
    # The page asks again by itself: <noscript> holds a refresh.
    expect(page.locator("#findings")).to_be_visible(timeout=60_000)
    expect(page.locator(".band .word")).to_have_text("Incompatible")
    page.locator(".finding summary").nth(2).click()
    expect(page.locator(".finding").nth(2).locator(".chain, .message").first).to_be_visible()
    page.get_by_label("Comment on r1").fill("Plain form.")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.locator(".thread")).to_contain_text("Plain form.")
    page.context.close()


CONFIG = (
    b"# Linux/x86 6.12.117 Kernel Configuration\nCONFIG_X86_64=y\nCONFIG_X86_PAT=y\nCONFIG_MTRR=y\nCONFIG_XEN_PV=y\n"
)
DOMAIN = b'name = "gpu"\ntype = "pv"\npci = ["0000:01:00.0"]\n'
VALUE = """\
--- a/xen/arch/x86/include/asm/processor.h
+++ b/xen/arch/x86/include/asm/processor.h
@@ -66,2 +66,2 @@
-#define XEN_MSR_PAT 0x050100070406ULL
+#define XEN_MSR_PAT 0x0407050600070106ULL
 #ifndef __ASSEMBLY__
"""


def file(name, content):
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def guest_form(page, base, *files, title="A new guest", name=""):
    page.goto(f"{base}/p/{PROJECT}/submit/?kind=guest")
    page.get_by_label("Title").fill(title)
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Files", exact=True).set_input_files(list(files))


def test_a_wrong_config_is_refused_at_its_line(browser, base):
    page = browser.new_context().new_page()
    log_in(page, base, member("submitter"))
    guest_form(page, base, file("new.config", b"CONFIG_A=y\n<<<<<<< HEAD\n"), name="dom0-new")
    page.get_by_label("Or paste one").fill("nothing that is known\n")
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.get_by_role("alert").first).to_contain_text("is none of the files that are read")
    expect(page.get_by_label("Or paste one")).to_have_value("nothing that is known\n")
    page.get_by_label("Or paste one").fill("")
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.get_by_role("alert").first).to_contain_text("new.config:2")
    expect(page.get_by_label("Name", exact=True)).to_have_value("dom0-new")
    page.context.close()


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without JavaScript"])
def test_an_image_and_a_domain_file_from_preview_to_report(browser, base, script):
    page = browser.new_context(java_script_enabled=script).new_page()
    log_in(page, base, member("submitter"))
    files = (file("vmlinuz", make_images.boot_image()), file("new.config", CONFIG), file("gpu.cfg", DOMAIN))
    guest_form(page, base, *files, title=f"A driver domain, {script}")
    page.get_by_role("button", name="Preview").click()
    preview = page.get_by_role("region", name="What would be submitted")
    expect(preview).to_contain_text("gpu.cfg:3")
    expect(preview).to_contain_text("a worker reads it")
    expect(preview).to_contain_text("Nothing is missing that would decide.")
    page.get_by_role("button", name="Submit", exact=True).click()  # the files came along
    expect(page).to_have_url(SUBMISSION)
    expect(page.locator("#findings")).to_be_visible(timeout=60_000)
    inputs = page.get_by_role("region", name="Inputs")
    expect(inputs).to_contain_text("bzImage")
    expect(inputs).to_contain_text("Xen takes it as PV, PVH, dom0")
    expect(inputs).to_contain_text("gpu.cfg:3")
    expect(page.get_by_text("PV domU with devices").first).to_be_visible()
    page.context.close()


def test_a_pasted_patch_becomes_a_layout_that_page_h_does_not_follow(browser, base):
    page = browser.new_context().new_page()
    log_in(page, base, member("submitter"))
    propose(page, base, "Linux's PAT, the value alone", VALUE)
    expect(page.locator(".band .word")).to_have_text("Incompatible", timeout=60_000)
    expect(page.locator("#findings")).to_be_visible()
    expect(page.get_by_text("leaves page.h as it is").first).to_be_attached()
    expect(page.get_by_role("region", name="Inputs")).to_contain_text("pasted.patch")
    page.context.close()
