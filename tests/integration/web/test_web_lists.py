"""Home, project and list: what is there, for whom, and how it is filtered."""

import pytest

from patreview.reviews.services import vote
from patreview.submissions.models import Submission
from tests import make


@pytest.fixture
def shown(team, client):
    """Log somebody of the team in and read a page as text."""

    def read(path, role="submitter", status=200):
        client.force_login(getattr(team, role).user)
        answer = client.get(path)
        assert answer.status_code == status
        return answer.text

    return read


def test_home_says_what_this_is(client, db):
    page = client.get("/").text
    assert "Is this PAT layout safe under Xen?" in page
    assert "No public project here." in page


def test_home_of_one_who_is_in_no_project(shown):
    page = shown("/", "outsider")
    assert "Nothing waits for you." in page
    assert "You submit to no project yet." in page


def test_home_leads_a_stranger_to_no_form_that_refuses_them(team, shown):
    make.make_project(visibility="public")
    assert "Submit a layout" not in shown("/", "outsider")
    assert "Submit a layout" in shown("/")


def test_home_knows_whose_turn_it_is(team, shown):
    submitted = team.submission(title="A proposal")
    assert "Nothing waits for you." in shown("/")
    assert "1 to vote on." in shown("/", "reviewer")
    assert "Nothing waits for you." in shown("/", "viewer")
    vote(submitted.revision, "approve", by=team.reviewer)
    assert "Nothing waits for you." in shown("/", "reviewer")


def test_home_counts_in_words(team, shown):
    team.submission()
    team.submission()
    make.execute(make.make_layout_submission(team.platform, team.reviewer).run)
    make.make_layout_submission(team.platform, team.reviewer, layout=make.LINUX, title="Linux's")
    Submission.objects.filter(title="Linux's").update(run_state="failed")
    assert "2 to vote on, 1 to mend." in shown("/", "reviewer")


def test_project(team, shown):
    page = shown(f"/p/{team.project.slug}/")
    assert "xen-4.17" in page
    assert "PV dom0, Linux 6.12.117" in page
    assert make.XEN in page
    assert "Submit a layout" in page
    assert "curl -H &quot;Authorization: Bearer $TOKEN&quot;" in page
    assert "Submit a layout" not in shown(f"/p/{team.project.slug}/", "viewer")


def test_a_project_of_others_is_not_there(team, shown):
    for page in ("", "submissions/", "submit/"):
        shown(f"/p/{team.project.slug}/{page}", "outsider", status=404)


def test_an_empty_list_says_what_to_do(team, shown):
    path = f"/p/{team.project.slug}/submissions/"
    assert "Propose a layout" in shown(path)
    assert "No submission matches." in shown(f"{path}?state=adopted")


def test_filters_are_addresses(team, shown):
    path = f"/p/{team.project.slug}/submissions/"
    team.submission(title="A layout of ours")
    make.make_guest_submission(team.project, team.submitter)
    assert "A layout of ours" in shown(f"{path}?kind=layout&state=open&verdict=compatible")
    assert "A layout of ours" not in shown(f"{path}?kind=guest&state=")
    assert "A layout of ours" not in shown(f"{path}?verdict=incompatible")


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("color=red", "There is no filter “color”"),
        ("state=lost", "“lost” is no state; use open, adopted, withdrawn, superseded."),
        ("before=x", "before is the number of a submission."),
        ("before=99999999999999999999", "before is the number of a submission."),
        ("before=", "before is the number of a submission."),
        ("after=-1", "after is the number of a submission."),
        ("after=1&before=2", "Give before or after, not both."),
        ("limit=0", "limit is how many rows to show, 1 to 200."),
        ("limit=201", "limit is how many rows to show, 1 to 200."),
        ("mine=yes", "“yes” is no mine; use 1."),
        ("owner=a%00b", "That is no owner"),
        ("platform=" + "x" * 51, "That is no platform"),
    ],
)
def test_an_unknown_filter_is_refused(team, shown, query, told):
    assert told in shown(f"/p/{team.project.slug}/submissions/?{query}", status=400)


def test_pages_go_by_key_in_both_directions(team, shown):
    path = f"/p/{team.project.slug}/submissions/"
    made = [make.make_layout_submission(team.platform, team.submitter, title=f"no{n}") for n in range(5)]
    pks = [one.submission.pk for one in made]

    def titles(page):
        return [f"no{n}" for n in reversed(range(5)) if f">no{n}<" in page]

    first = shown(f"{path}?kind=layout&limit=2")
    assert titles(first) == ["no4", "no3"]
    assert "Newer" not in first
    assert f"?kind=layout&amp;before={pks[3]}&amp;limit=2" in first
    middle = shown(f"{path}?kind=layout&limit=2&before={pks[3]}")
    assert titles(middle) == ["no2", "no1"]
    assert f"?kind=layout&amp;after={pks[2]}&amp;limit=2" in middle
    last = shown(f"{path}?limit=2&before={pks[1]}")
    assert titles(last) == ["no0"]
    assert "Older" not in last
    back = shown(f"{path}?limit=2&after={pks[0]}")
    assert titles(back) == ["no2", "no1"]
    assert "Newer" in back
    top = shown(f"{path}?limit=2&after={pks[2]}")
    assert titles(top) == ["no4", "no3"]
    assert "Newer" not in top
