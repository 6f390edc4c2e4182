"""The page that compares: its words, its classes, its form, and what it refuses."""

import html
import re

import pytest

from patreview.analyses.services import request_run, submit
from patreview.submissions.services import Proposal, Upload
from patreview.web.comparison_page import ROWS_MAX
from tests import make
from tests.integration.web.tables import tables

CONFIG = b"# Linux/x86 6.12.117 Kernel Configuration\nCONFIG_X86_PAT=y\nCONFIG_MTRR=y\nCONFIG_HZ=100\n"


@pytest.fixture
def shown(team, client):
    """Log somebody of the team in and read the page as text."""

    def read(query, role="viewer", status=200):
        client.force_login(getattr(team, role).user)
        answer = client.get(f"/compare/{query}")
        assert answer.status_code == status
        assert "<b>second" not in answer.text
        return html.unescape(answer.text)

    return read


@pytest.fixture
def two(team):
    """A submission with a harmless r1 and Linux's layout as r2, and a guest that the second breaks."""
    make.make_guest(team.platform, name="suse", family="suse-xenlinux", release="2.6.32", role="domU", needs=["WC@ram"])
    first = team.submission(title="Layouts")
    second = make.make_layout_submission(
        team.platform, team.submitter, make.LINUX, submission=first.submission, title="Layouts"
    )
    make.execute(second.run)
    return first, second


def query(two, more=""):
    return f"?a=s{two[0].submission.pk}r1&b=s{two[1].submission.pk}r2{more}"


def make_kernel(team, text=CONFIG, submission=None, note="", **stated):
    guest = {"name": "k", "family": "linux", "mode": "pv", "role": "dom0"} | stated
    proposal = Proposal(kind="guest", title="Kernel", guest=guest, files=(Upload("config", "c", text),), note=note)
    submitted = submit(team.project, proposal, by=team.submitter, submission=submission)
    make.execute(submitted.run)
    return submitted


def test_what_got_worse_comes_first(two, shown):
    page = shown(query(two))
    assert "Layouts: r1 and r2" in page
    assert "r2 is worse than r1: compatible before, incompatible after; 1 guest got worse." in re.sub(r"\s+", " ", page)
    found = tables(page)
    assert found["Regressed"][1][0].startswith("suse")
    assert all("Incompatible" in row[2] for row in found["New"][1:])
    assert "Unchanged" not in found
    assert "Nothing regressed" not in page


def test_the_layout_is_drawn_by_entry_and_by_byte(two, shown):
    page = shown(query(two))
    rows = tables(page)["Entries PA0 to PA7, before and after"][1:]
    assert [row[0] for row in rows if row[-1] == "changed"] == ["PA1", "PA4", "PA7"]
    assert "<mark>" in page


def test_classes_are_links_and_the_address_is_the_state(two, shown):
    page = shown(query(two, "&show=unchanged"))
    assert set(tables(page)) & {"Regressed", "New", "Fixed"} == set()
    assert "Unchanged" in tables(page)
    pk = two[0].submission.pk
    assert f"?a=s{pk}r1&b=s{pk}r2&show=regressed,unchanged" in page
    assert "There is nothing in the classes that are chosen." in shown(query(two, "&show="))
    assert f"/compare/?a=s{pk}r2&b=s{pk}r1&show=fixed" in shown(query(two, "&show=fixed"))
    assert f"/api/v1/compare?a=s{pk}r1&b=s{pk}r2&show=fixed" in shown(query(two, "&show=fixed"))


def test_pinned_runs_stay_what_they_are(two, shown):
    pinned = f"?a=run{two[0].run.pk}&b=run{two[1].run.pk}"
    assert f"/compare/{pinned}" in shown(query(two))
    assert "Pin these very runs" not in shown(pinned)


def test_swapped_it_is_the_other_way_round(two, shown):
    pk = two[0].submission.pk
    page = shown(f"?a=s{pk}r2&b=s{pk}r1")
    assert "r1 is better than r2" in page
    assert tables(page)["Fixed"][1][0].startswith("suse")


def test_a_side_with_itself(two, shown):
    pk = two[0].submission.pk
    page = shown(f"?a=s{pk}r1&b=s{pk}r1")
    assert "Both sides are the same: r1, compatible." in page.replace("run 1", "r1")
    assert "The inputs are the same." in page
    assert "Nothing regressed and nothing was fixed." in page


def test_two_runs_of_one_revision_saw_another_fleet(team, two, shown):
    make.make_guest(team.platform, name="another", release="6.1")
    again = make.execute(request_run(two[1].revision, by=team.submitter))
    page = shown(f"?a=run{two[1].run.pk}&b=run{again.pk}")
    assert "Layouts: run 1 and run 2" in page
    assert "The inputs are the same. They were judged against other platforms or guests in service." in page


def test_a_guest_that_got_worse_is_never_headed_by_an_unchanged_verdict(team, shown):
    """Both layouts are incompatible, for other guests."""
    make.make_guest(team.platform, name="suse", family="suse-xenlinux", release="2.6.32", role="domU", needs=["WC@ram"])
    make.make_guest(team.platform, name="old", release="5.15", drivers=["amdgpu"])
    first = team.submission(layout=make.XEN, title="Layouts")
    second = make.make_layout_submission(team.platform, team.submitter, make.LINUX, submission=first.submission)
    make.execute(second.run)
    page = shown(query((first, second)))
    assert "The verdict stays incompatible; 1 guest got worse, 1 guest got better." in page
    assert re.search(r'class="word class-regressed"', page)


def test_inputs_of_kernels(team, shown):
    first = make_kernel(team, cmdline="ro quiet", modules=["i915"], release="6.12.117")
    text = CONFIG.replace(b"MTRR=y", b"MTRR=n").replace(b"HZ=100", b"HZ=250") + b"CONFIG_NEW=y\n"
    make_kernel(team, text, first.submission, "<b>second</b>", cmdline="ro xen.nopat=1", modules=["amdgpu"])
    page = shown(query((first, first)))
    for line in ("+xen.nopat=1", "-quiet", " MTRR y -> n", " HZ 100 -> 250", "+NEW y", "-i915", "+amdgpu"):
        assert f"<code>{line}</code>" in page
    assert "2 that do not matter to the engine" in page
    assert tables(page)["Notes"][2] == ["After", "second"]  # the page was unescaped: it had &lt;b&gt;


def test_what_cannot_be_compared_stands_apart_with_its_reason(team, shown):
    first = make_kernel(team, release="6.12.117", drivers=["amdgpu"])
    bare = {"name": "k", "family": "linux", "mode": "pv", "role": "dom0", "drivers": ["amdgpu"]}
    proposal = Proposal(kind="guest", title="Kernel", guest=bare)
    second = submit(team.project, proposal, by=team.submitter, submission=first.submission)
    make.execute(second.run)
    page = shown(query((first, second)))
    assert "neither better nor worse" in page
    (row, *_) = tables(page)["Incomparable"][1:]
    assert row[-1].startswith("After is indeterminate by ")


def test_other_kinds_have_nothing_in_common(team, two, shown):
    kernel = make_kernel(team, release="6.12.117")
    page = shown(f"?a=s{two[0].submission.pk}r1&b=s{kernel.submission.pk}r1")
    assert 'class="word class-incomparable"' in page
    assert "Before is a layout, after is a guest: their inputs have nothing in common." in page
    assert "Before is a report on a layout, after is one on a guest." in page


def test_better_only_because_less_is_known_is_not_called_fixed(team, shown):
    text = CONFIG + b"CONFIG_DRM_AMDGPU=y\n"
    first = make_kernel(team, text, release="5.15.100")
    bare = {"name": "k", "family": "linux", "release": "5.15.100", "mode": "pv", "role": "dom0", "devices": True}
    second = submit(
        team.project, Proposal(kind="guest", title="K", guest=bare), by=team.submitter, submission=first.submission
    )
    make.execute(second.run)
    page = shown(query((first, second)))
    assert 'class="word class-fixed"' not in page
    assert "as far as it was decided; after leaves DRV030 undecided" in page


def test_without_a_report_the_inputs_are_shown(team, shown):
    first = team.submission()
    second = make.make_layout_submission(team.platform, team.submitter, make.LINUX, submission=first.submission)
    page = shown(query((first, second)))
    assert "No comparison" in page
    assert f"Run {second.run.pk} of s{first.submission.pk}r2 has no report: it is queued." in page
    assert "Entries PA0 to PA7, before and after" in page
    assert 'id="results"' not in page


def test_many_rows_are_grouped_and_bounded(team, shown, monkeypatch):
    for index in range(6):
        make.make_guest(
            team.platform, name=f"suse{index}", family="suse-xenlinux", release="2.6.32", role="domU", needs=["WC@ram"]
        )
    first = team.submission()
    second = make.make_layout_submission(team.platform, team.submitter, make.LINUX, submission=first.submission)
    make.execute(second.run)
    page = shown(query((first, second)))
    assert len(tables(page)["Regressed"]) == 2
    assert "6 guests on xen-4.17" in page
    assert ROWS_MAX == 200
    monkeypatch.setattr("patreview.web.comparison_page.ROWS_MAX", 1)
    assert "more: " in shown(query((first, second), "&show=new"))


def test_the_form_asks_for_what_is_missing(two, shown):
    pk = two[0].submission.pk
    assert "Compare two revisions or runs" in shown("")
    assert f"/compare/?a=s{pk}r1&b=s{pk}r2" in shown(f"?b=s{pk}r2")
    assert f"/compare/?a=s{pk}r2&b=s{pk}r1" in shown(f"?a=s{pk}r2&b=")


def test_one_revision_alone_has_no_other(team, shown):
    submitted = team.submission()
    assert "It has one revision." in shown(f"?a=s{submitted.submission.pk}")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("?c=1", "There is no “c” here; use a, b, show."),
        ("?a=12&b=s1", "“12” names no revision and no run; write s12r2"),
        ("?a=s1&b=%00", "names no revision and no run"),
        (f"?a={'9' * 300}", "names no revision and no run"),
        ("?a=s1&b=s1&show=worse", "“worse” is no class of a comparison"),
        ("?a=%F0%9F%A6%8A", "names no revision and no run"),
    ],
)
def test_what_is_not_understood_is_refused(team, shown, query, sentence):
    assert sentence in shown(query, status=400)


def test_what_one_may_not_see_is_not_there(two, shown, client):
    shown(query(two), "outsider", status=404)
    shown(f"?a=s{two[0].submission.pk}", "outsider", status=404)
    shown("?a=s999999&b=s999999", status=404)
    client.logout()
    assert client.get(f"/compare/{query(two)}").status_code == 404
    assert client.post("/compare/").status_code == 405


def test_each_revision_leads_to_its_comparison(two, client, team):
    client.force_login(team.viewer.user)
    pk = two[0].submission.pk
    page = client.get(f"/s/{pk}/").text
    assert f"/compare/?a=s{pk}r1&amp;b=s{pk}r2" in page
    assert "r0" not in page
