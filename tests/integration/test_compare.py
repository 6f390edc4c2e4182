"""Two revisions or runs compared: who may, what a reference means, and what REST answers."""

import json
from pathlib import Path

import pytest

from patreview.analyses.comparison import BadReference, check_reference, compared, read_classes, side_of
from patreview.analyses.models import Report
from patreview.analyses.services import request_run, submit
from patreview.projects.errors import NotFound
from patreview.submissions.services import Proposal, Upload
from tests import make
from tests.conftest import lifted

OLD_REPORT = (Path(__file__).parents[1] / "data" / "report-of-engine-0.1.json").read_text()
CONFIG = "# Linux/x86 6.12.117 Kernel Configuration\nCONFIG_X86_PAT=y\nCONFIG_HZ={hz}\nCONFIG_MTRR={mtrr}\n"


@pytest.fixture
def two(team):
    """A submission with a harmless r1 and Linux's layout as r2, both judged."""
    first = team.submission(title="Layouts")
    second = make.make_layout_submission(team.platform, team.submitter, make.LINUX, submission=first.submission)
    make.execute(second.run)
    return first, second


@pytest.fixture
def ask(client):
    """Ask REST as a member: status and body."""

    def get(query, by):
        client.force_login(by.user)
        answer = client.get(f"/api/v1/compare{query}")
        return answer.status_code, answer.json()

    return get


def pair(first, second):
    return f"?a=s{first.submission.pk}r1&b=s{second.submission.pk}r2"


def make_kernel(team, hz, mtrr, submission=None, **stated):
    guest = {"name": "k", "family": "linux", "mode": "pv", "role": "dom0"} | stated
    upload = Upload("config", "k.config", CONFIG.format(hz=hz, mtrr=mtrr).encode())
    proposal = Proposal(kind="guest", title="Kernel", guest=guest, files=(upload,))
    return submit(team.project, proposal, by=team.submitter, submission=submission)


def test_a_revision_speaks_by_its_newest_completed_run(team, two):
    first, second = two
    pk = first.submission.pk
    assert side_of(f"s{pk}r1", team.viewer).run == first.run
    assert side_of(f"s{pk}", team.viewer).revision.number == 2
    again = make.execute(request_run(second.revision, by=team.submitter))
    request_run(second.revision, by=team.submitter)
    assert side_of(f" s{pk}r2 ", team.viewer).run == again
    named = side_of(f"run{second.run.pk}", team.viewer)
    assert (named.run, named.reference) == (second.run, f"s{pk}r2")


def test_what_has_no_report_is_said_and_its_inputs_are_compared(team):
    first = team.submission()
    second = make.make_layout_submission(team.platform, team.submitter, make.LINUX, submission=first.submission)
    found = compared(side_of(f"s{first.submission.pk}r1", team.viewer), side_of(f"run{second.run.pk}", team.viewer))
    assert found.results is None
    name = f"s{first.submission.pk}r2"
    assert found.why_no_results == f"Run {second.run.pk} of {name} has no report: it is queued."
    assert found.inputs["layout"]["changed"] == 3
    second.run.delete()
    assert side_of(name, team.viewer).why_no_report == f"{name} was not run yet."


def test_a_report_of_an_older_engine_is_no_fault(team, two):
    with lifted():
        Report.objects.filter(run=two[0].run).update(body=OLD_REPORT)
    before, after = (side_of(f"run{one.run.pk}", team.viewer) for one in two)
    found = compared(before, after)
    assert found.results is None
    assert "run again what an older engine judged" in found.why_no_results


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12",
        "s",
        "s0",
        "s1r0",
        "s01",
        "r2",
        "run",
        "S1",
        "s1 r2",
        "s-1",
        "run1r2",
        "s1r",
        "s٣",
        "s1\0",
        "s" + "9" * 30,
    ],
)
def test_what_is_no_reference(text):
    with pytest.raises(BadReference, match="names no revision and no run; write s12r2"):
        check_reference(text)


def test_classes():
    assert read_classes("fixed, regressed,fixed") == ("regressed", "fixed")
    assert read_classes("") == ()
    with pytest.raises(BadReference, match="“worse” is no class of a comparison: regressed, new"):
        read_classes("regressed,worse")


def test_others_see_neither_submission_nor_run(team, two):
    first, second = two
    for text in (f"s{first.submission.pk}", f"s{first.submission.pk}r1", f"run{second.run.pk}", "s999999", "run999999"):
        with pytest.raises(NotFound):
            side_of(text, team.outsider)
    for text in (f"s{first.submission.pk}r3", "s" + "9" * 18, f"s{first.submission.pk}r999999999", "run" + "9" * 18):
        with pytest.raises(NotFound):
            side_of(text, team.maintainer)


def test_rest(team, two, ask):
    first, second = two
    status, body = ask(pair(first, second), team.viewer)
    assert status == 200
    assert [body[side]["reference"][-2:] for side in ("before", "after")] == ["r1", "r2"]
    assert body["after"]["run"]["id"] == second.run.pk
    assert body["results"]["schema"] == "patreview.comparison/1"
    assert body["inputs"]["layout"]["changed"] == 3
    assert (body["why_no_results"], body["inputs"]["is_same"]) == (None, False)
    assert sum(body["results"]["counts"].values()) == len(body["results"]["rows"])
    shown = ask(f"{pair(first, second)}&show=new,gone", team.viewer)[1]
    assert {row["class"] for row in shown["results"]["rows"]} <= {"new", "gone"}
    assert shown["results"]["counts"] == body["results"]["counts"]


def test_rest_of_one_revision_with_itself(team, two, ask):
    pk = two[0].submission.pk
    body = ask(f"?a=s{pk}r1&b=s{pk}r1", team.viewer)[1]
    assert body["inputs"]["is_same"] is True
    assert {row["class"] for row in body["results"]["rows"]} == {"unchanged"}


def test_rest_compares_kernel_configurations(team, ask):
    first = make_kernel(team, 100, "y", cmdline="ro")
    make_kernel(team, 250, "n", submission=first.submission, cmdline="ro xen.nopat=1")
    inputs = ask(pair(first, first), team.viewer)[1]["inputs"]
    assert [row["text"] for row in inputs["config"]["symbols"]] == [" MTRR y -> n", " HZ 100 -> 250"]
    assert [row["text"] for row in inputs["cmdline"]["options"]] == ["+xen.nopat=1"]
    assert [row["role"] for row in inputs["files"]] == ["config"]


@pytest.mark.parametrize(
    ("query", "status", "pointer"),
    [
        ("?a=s1", 400, "/b"),
        ("", 400, "/a"),
        ("?a=12&b=s1", 400, "/a"),
        ("?a=s1&b=s1&c=1", 400, "/c"),
        ("?a=s1&b=s1&show=worse", 400, "/show"),
        ("?a=s1%00&b=s1", 400, "/a"),
        ("?a=%F0%9F%A6%8A&b=s1", 400, "/a"),
        (f"?a=s{'9' * 40}&b=s1", 400, "/a"),
        (f"?a=s{'9' * 200}&b=s1", 400, "/a"),
    ],
)
def test_rest_refuses(team, ask, query, status, pointer):
    found, body = ask(query, team.viewer)
    assert (found, body["errors"][0]["pointer"]) == (status, pointer)


def test_rest_hides_what_is_not_theirs(team, two, ask, client):
    first, second = two
    status, body = ask(pair(first, second), team.outsider)
    assert (status, body["code"]) == (404, "not_found")
    other = make.make_project()
    for token, expected in ((make.make_token(team.project), 200), (make.make_token(other), 404)):
        client.logout()
        answer = client.get(f"/api/v1/compare{pair(first, second)}", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == expected


@pytest.mark.parametrize("door", ["/api/v1/compare", "/compare/"])
def test_the_number_of_queries_does_not_grow(team, client, django_assert_max_num_queries, door):
    client.force_login(team.viewer.user)
    kernel = make_kernel(team, 100, "y")
    make.execute(kernel.run)

    def count(rest):
        client.get(door + rest)
        with django_assert_max_num_queries(60) as captured:
            assert client.get(door + rest).status_code == 200
        return len(captured)

    def grow(submission, by):
        for index in range(by):
            make.make_guest(team.platform, name=f"{submission.pk}-{index}", release="5.15")
        added = make.make_layout_submission(team.platform, team.submitter, make.LINUX, submission=submission)
        make.execute(added.run)

    counts = []
    for by in (1, 12):
        first = team.submission()
        grow(first.submission, by)
        counts.append(count(pair(first, first)))
    assert counts[0] == counts[1]
    assert count(f"?a=run{kernel.run.pk}&b=s{kernel.submission.pk}") <= counts[0] + 4


def test_the_answer_is_json_that_programs_read(team, two, ask):
    json.dumps(ask(pair(*two), team.viewer)[1], allow_nan=False)
