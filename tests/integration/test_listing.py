"""Lists at scale: pages by key without gap or repeat, filters, and tallies that agree with the gate."""

from importlib import import_module

import pytest
from django.apps import apps

from patreview.analyses.finding_listing import Place, standing_findings
from patreview.analyses.listing import submission_page
from patreview.analyses.models import Finding
from patreview.analyses.queries import last_run, report_of
from patreview.projects.models import Membership, Role
from patreview.reviews.discussion import say
from patreview.reviews.gate import review_of
from patreview.reviews.services import dismiss_vote, vote, withdraw, withdraw_vote
from patreview.reviews.tallies import Tally, tallies_of, turn_of
from patreview.submissions.models import Submission
from tests import make

ALL = {"reader": None, "limit": 200}


@pytest.fixture
def api(team, client):
    def ask(path, status=200, role="submitter"):
        client.force_login(getattr(team, role).user)
        answer = client.get(f"/api/v1/{path}")
        assert answer.status_code == status, answer.content
        return answer.json()

    return ask


def walk(page_of, key_of, limit, between):
    """The keys of all rows from the newest page to the oldest; something happens between two pages."""
    seen, at = [], {}
    while True:
        page = page_of(limit=limit, **at)
        seen += [key_of(row) for row in page.rows]
        if not page.older:
            return seen
        at = {"before": seen[-1]}
        between()


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 200])
def test_older_pages_have_no_gap_and_no_repeat_while_rows_are_added(team, limit):
    there = [team.submission(title=f"no{n}") for n in range(5)]
    submissions = [one.submission.pk for one in there]
    places = [one.place for one in standing_findings(team.project, {}, limit=200).rows]
    assert len(places) >= 5

    def listed(**key):
        return submission_page(team.project, {}, reader=None, **key)

    def standing(**key):
        return standing_findings(team.project, {}, **key)

    assert walk(listed, lambda row: row.pk, limit, team.submission) == sorted(submissions, reverse=True)
    seen = walk(standing, lambda one: one.place, limit, team.submission)
    assert [place for place in seen if place in places] == places
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("limit", [1, 2, 3, 200])
def test_newer_pages_lead_back_by_the_same_rows(team, limit):
    for n in range(4):
        team.submission(title=f"no{n}")

    def back(page_of, keys, first):
        seen, at = [], {"after": first}
        while at:
            page = page_of(limit=limit, **at)
            rows = [keys(row) for row in page.rows]
            seen, at = rows + seen, {"after": rows[0]} if page.newer else {}
        return seen

    def submissions(**key):
        return submission_page(team.project, {}, reader=None, **key)

    def findings(**key):
        return standing_findings(team.project, {}, **key)

    for page_of, keys in ((submissions, lambda row: row.pk), (findings, lambda one: one.place)):
        everything = [keys(row) for row in page_of(limit=200).rows]
        assert back(page_of, keys, everything[-1]) == everything[:-1]


def test_filters_of_submissions(team, api):
    layout, other = team.submission(), make.make_layout_submission(team.platform, team.maintainer)
    guest = make.make_guest_submission(team.project, team.submitter)
    withdraw(other.submission, by=team.maintainer)
    Submission.objects.filter(pk=layout.submission.pk).update(is_stale=True)
    for query, expected in {
        f"owner={team.maintainer.name}": [other],
        "owner=nobody-of-that-name": [],
        "platform=xen-4.17": [other, layout],
        "platform=xen-9": [],
        "mine=1": [guest, layout],
        "stale=1": [layout],
        "stale=1&verdict=incompatible": [],
        "state=withdrawn&kind=layout": [other],
        "kind=guest&mine=1": [guest],
    }.items():
        found = api(f"projects/{team.project.slug}/submissions?{query}")["results"]
        assert [row["id"] for row in found] == [one.submission.pk for one in expected], query
    assert found[0]["layout"] is None
    assert api(f"submissions/{layout.submission.pk}")["layout"] == "0x0007050100070406"


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("projects/{slug}/submissions?before=2&after=1", "/after"),
        ("projects/{slug}/submissions?after=x", "/after"),
        ("projects/{slug}/submissions?mine=yes", "/mine"),
        ("projects/{slug}/submissions?stale=0", "/stale"),
        ("projects/{slug}/submissions?owner=%00", "/owner"),
        ("projects/{slug}/findings?before=7", "/before"),
        ("projects/{slug}/findings?after=%D9%A7.1", "/after"),
        ("projects/{slug}/findings?after=9999999999999999999.1", "/after"),
        ("projects/{slug}/findings?after=1.1&before=1.2", "/after"),
        ("projects/{slug}/findings?rule=enc010", "/rule"),
        ("projects/{slug}/findings?guest=%00", "/guest"),
        ("projects/{slug}/findings?state=odd", "/state"),
        ("projects/{slug}/findings?colour=red", "/colour"),
        ("runs/{run}/findings?verdict=fine", "/verdict"),
        ("runs/{run}/findings?after=-1", "/after"),
        ("runs/{run}/findings?before=1", "/before"),
        ("runs/{run}/findings?limit=201", "/limit"),
    ],
)
def test_what_is_no_filter_is_400(team, api, path, pointer):
    run = team.submission().run
    refused = api(path.format(slug=team.project.slug, run=run.pk), status=400)
    assert refused["errors"][0]["pointer"] == pointer


def test_findings_of_a_run_by_position(team, api):
    run = team.submission(layout=make.LINUX).run
    path = f"runs/{run.pk}/findings"
    whole = api(path)
    assert whole["next"] is None
    assert len(whole["results"]) > 3
    seen, following = [], f"{path}?limit=2"
    while following:
        page = api(following.split("/api/v1/")[-1])
        seen += page["results"]
        following = page["next"]
    assert seen == whole["results"]
    one = whole["results"][0]
    for name in ("verdict", "rule"):
        found = api(f"{path}?{name}={one[name]}")["results"]
        assert found == [row for row in whole["results"] if row[name] == one[name]]
    assert api(f"{path}?state=new")["results"] == [row for row in whole["results"] if row["state"] == "new"]


def test_findings_that_stand_are_those_of_the_last_run_of_open_submissions(team, api):
    path = f"projects/{team.project.slug}/findings?limit=200"
    make.make_guest(team.platform, name="old", release="2.6.36", drivers=["i915"])
    kept, gone = team.submission(layout=make.LINUX), team.submission()
    revised = team.submission(title="twice")
    again = make.make_layout_submission(
        team.platform, team.submitter, layout=make.LINUX, submission=revised.submission, title="twice"
    )
    withdraw(gone.submission, by=team.submitter)

    def runs():
        return {row["run"] for row in api(path)["results"]}

    assert runs() == {kept.run.pk}  # the new revision has no report yet
    make.execute(again.run)
    assert runs() == {kept.run.pk, again.run.pk}
    rows = api(path)["results"]
    stored = Finding.objects.filter(run__in=runs()).exclude(state="fixed")
    assert len(rows) == stored.count()
    assert {row["submission"] for row in rows} == {kept.submission.pk, revised.submission.pk}
    assert {row["revision"] for row in rows if row["run"] == again.run.pk} == {2}
    assert all(row["state"] != "fixed" for row in rows)
    verdict, rule = rows[0]["verdict"], rows[0]["rule"]
    assert api(f"{path}&verdict={verdict}")["results"] == [row for row in rows if row["verdict"] == verdict]
    assert api(f"{path}&rule={rule}")["results"] == [row for row in rows if row["rule"] == rule]
    assert api(f"{path}&guest=old")["results"] == [row for row in rows if "old" in row["guests"]] != []
    assert api(f"{path}&guest=ol")["results"] == []
    api(path, status=404, role="outsider")


def test_the_page_of_findings_leads_to_each(team, client):
    make.make_guest(team.platform, name="old", release="2.6.36", drivers=["i915"])
    submitted = team.submission(layout=make.LINUX)
    client.force_login(team.viewer.user)
    path = f"/p/{team.project.slug}/findings/"
    page = client.get(f"{path}?guest=old").text
    finding = next(one for one in Finding.objects.filter(run=submitted.run) if "old" in one.guests)
    assert f"/s/{submitted.submission.pk}/findings/{finding.fingerprint}/" in page
    assert finding.title in page
    first = client.get(f"{path}?limit=1").text
    assert f"before={submitted.run.pk}." in first
    assert "No finding matches." in client.get(f"{path}?rule=ENC999").text
    for query in ("before=7", "guest=%00", "rule=TOOLONGNAME", "x=1", "verdict=fine"):
        assert client.get(f"{path}?{query}").status_code == 400, query
    client.force_login(team.outsider.user)
    assert client.get(path).status_code == 404


def test_a_place_is_written_as_it_is_read():
    assert str(Place.read("41.7")) == "41.7"
    for text in ("", "41", "41.", ".7", "-1.2", "1.2.3", "1.\u0667"):
        with pytest.raises(ValueError, match=r".*"):
            Place.read(text)


def in_the_gate(submission):
    """The tally as the gate counts it."""
    revision = Submission.objects.get(pk=submission.pk).current
    run = last_run(revision)
    review = review_of(revision, run, report_of(run))
    opposing = [one for one in review.votes if one.opposes]
    return Tally(len(review.approvals), len(opposing), review.open_threads)


def in_the_list(team, submission):
    rows = submission_page(team.project, {}, **ALL).rows
    return tallies_of(rows).get(submission.pk, Tally())


def test_tallies_agree_with_the_gate(team):
    submitted = team.submission()
    submission, revision = submitted.submission, submitted.revision

    def agree(expected):
        assert in_the_list(team, submission) == in_the_gate(submission) == Tally(*expected)

    second = make.make_member(team.project, Role.REVIEWER)
    agree((0, 0, 0))
    vote(revision, "approve", by=team.reviewer)
    agree((1, 0, 0))
    objection = vote(revision, "block", by=second, body="no")
    agree((1, 1, 0))
    say(revision, "why?", by=second, asks=True)
    say(revision, "just a note", by=second)
    agree((1, 1, 1))
    again = make.make_layout_submission(team.platform, team.submitter, layout=make.LINUX, submission=submission)
    agree((0, 1, 1))  # the objection stands, the approval was of something else
    make.execute(again.run)
    agree((0, 1, 1))
    same = make.make_layout_submission(team.platform, team.submitter, submission=submission, note="as before")
    agree((0, 1, 1))
    make.execute(same.run)
    agree((1, 1, 1))  # carried: the same proposal, the same verdict
    dismiss_vote(objection, "answered", by=team.maintainer)
    agree((1, 0, 1))
    vote(same.revision, "nits", by=second)
    agree((2, 0, 1))
    withdraw_vote(second.user.votes.get(revision=same.revision), by=second)
    agree((1, 0, 1))
    Membership.objects.filter(user=team.reviewer.user).delete()
    agree((0, 0, 1))


def test_whose_turn_it_is(team):
    submitted = team.submission()
    row = submission_page(team.project, {}, **ALL).rows[0]
    assert row.pk == submitted.submission.pk
    for changed, tally, turn in (
        ({}, Tally(), "reviewers"),
        ({}, Tally(approvals=1), "maintainer"),
        ({}, Tally(approvals=1, objections=1), "owner"),
        ({}, Tally(threads=1), "owner"),
        ({"verdict": "indeterminate"}, Tally(), "owner"),
        ({"verdict": "", "run_state": "queued"}, Tally(), "engine"),
        ({"verdict": "", "run_state": "failed"}, Tally(), "owner"),
        ({"state": "adopted"}, Tally(), ""),
    ):
        assert turn_of(row._replace(**changed), tally, needed=1) == turn, (changed, tally)


def test_a_list_escapes_what_people_wrote(team, client):
    make.make_layout_submission(team.platform, team.submitter, title="<b>&'\"{x}")
    client.force_login(team.submitter.user)
    page = client.get(f"/p/{team.project.slug}/submissions/").text
    assert "&lt;b&gt;&amp;&#x27;&quot;{x}" in page
    assert "<b>&" not in page


@pytest.mark.parametrize(
    ("migration", "function"),
    [
        ("patreview.submissions.migrations.0005_lists", "keep_proposed_layouts"),
        ("patreview.analyses.migrations.0005_standing_runs", "keep_standing_runs"),
    ],
)
def test_what_is_there_already_gets_its_summaries(team, migration, function):
    layout, revised = team.submission(), team.submission(title="twice")
    guest = make.make_guest_submission(team.project, team.submitter)
    make.execute(guest.run)
    make.make_layout_submission(team.platform, team.submitter, layout=make.LINUX, submission=revised.submission)
    pks = [one.submission.pk for one in (layout, revised, guest)]
    columns = ("pk", "proposed_msr", "standing_run")
    kept = list(Submission.objects.filter(pk__in=pks).order_by("pk").values_list(*columns))
    assert [(bool(msr), run) for _, msr, run in kept] == [(True, layout.run.pk), (True, None), (False, guest.run.pk)]
    cleared = {"keep_proposed_layouts": {"proposed_msr": ""}, "keep_standing_runs": {"standing_run": None}}
    Submission.objects.update(**cleared[function])
    getattr(import_module(migration), function)(apps, None)
    assert list(Submission.objects.filter(pk__in=pks).order_by("pk").values_list(*columns)) == kept
