"""The page of a submission: what it shows in each state, and what people do on it."""

import re

import pytest

from patreview.analyses.queries import last_run
from patreview.projects.models import Role
from patreview.reviews.discussion import say
from patreview.reviews.services import vote
from patreview.submissions.queries import revisions_of
from tests import make

INLINE = re.compile(r"\sstyle=|<style|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:|src=\"data:", re.IGNORECASE)


@pytest.fixture
def page(team, client):
    """Log somebody of the team in and read the page of a submission."""

    def read(submitted, role="submitter", more=""):
        client.force_login(getattr(team, role).user)
        answer = client.get(f"/s/{submitted.submission.pk}/{more}")
        assert answer.status_code == 200
        return answer.text

    return read


def send(client, team, submitted, act, role="submitter", **fields):
    client.force_login(getattr(team, role).user)
    return client.post(f"/s/{submitted.submission.pk}/{act}/", fields)


def test_a_report(team, page):
    shown = page(team.submission(title="Ours"))
    assert "<title>Compatible: Ours, r1 · patreview</title>" in shown
    assert "Entries PA0 to PA7 of xen-4.17, before and after" in shown
    assert "PA6" in shown
    assert "/api/v1/runs/" in shown
    assert "hx-get" not in shown


def test_nothing_is_inline_on_any_page(team, client, page):
    submitted = team.submission(layout=make.LINUX)
    say(submitted.revision, "words", by=team.reviewer)
    pages = ["/", "/login/", f"/p/{team.project.slug}/", f"/p/{team.project.slug}/submissions/", "/none/"]
    pages += [f"/p/{team.project.slug}/submit/{kind}" for kind in ("", "?kind=guest")]
    shown = [page(submitted), *(client.get(path).text for path in pages)]
    assert [INLINE.findall(text) for text in shown] == [[]] * len(shown)


def test_what_people_write_is_text(team, page):
    evil = "<script>alert(1)</script>"
    submitted = team.submission(title=evil, note=evil)
    say(submitted.revision, evil, by=team.reviewer)
    vote(submitted.revision, "nits", by=team.reviewer, body=evil)
    assert evil not in page(submitted)


def test_the_wait_for_a_run(team, client, page):
    submitted = make.make_layout_submission(team.platform, team.submitter)
    shown = page(submitted)
    assert "<title>Running: Another layout" in shown
    assert f'hx-get="/s/{submitted.submission.pk}/progress/?seen=queued"' in shown
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in shown
    path, asks = f"/s/{submitted.submission.pk}/progress/", {"HX-Request": "true"}
    assert client.get(f"{path}?seen=queued", headers=asks).status_code == 204
    assert "stored and waits for a worker" in client.get(path, headers=asks).text
    assert client.get(path)["Location"] == f"/s/{submitted.submission.pk}/"
    make.execute(submitted.run)
    done = client.get(f"{path}?seen=queued", headers=asks)
    assert (done["HX-Retarget"], done["HX-Reselect"], done["HX-Reswap"]) == ("#main", "#main", "outerHTML")
    assert "Report ready: Compatible." in done.text


def test_a_run_that_failed(team, page, client):
    submitted = make.make_layout_submission(team.platform, team.submitter)
    type(submitted.run).objects.update(state="failed", reason_text="the worker was lost")
    shown = page(submitted)
    assert "did not complete: the worker was lost" in shown
    assert "Run again" in shown
    answer = client.get(f"/s/{submitted.submission.pk}/progress/", headers={"HX-Request": "true"})
    assert "The run ended without a report." in answer.text


def test_an_indeterminate_guest(team, page):
    submitted = make.make_guest_submission(team.project, team.submitter, release="")
    make.execute(submitted.run)
    shown = page(submitted)
    assert "Indeterminate" in shown
    assert "could not decide" in shown


def test_an_older_revision_is_marked(team, client, page):
    submitted = team.submission()
    client.force_login(team.submitter.user)
    client.post(f"/s/{submitted.submission.pk}/revise/", {"layout": make.LINUX, "note": ""})
    shown = page(submitted, more="r1/")
    assert "superseded by" in shown
    assert "Vote on r2" in shown
    assert client.get(f"/s/{submitted.submission.pk}/r9/").status_code == 404


def test_strangers_see_nothing(team, client):
    submitted = team.submission()
    client.force_login(team.outsider.user)
    for path in ("", "r1/", "progress/", "revise/"):
        assert client.get(f"/s/{submitted.submission.pk}/{path}").status_code == 404
    for act in ("comment", "vote", "adopt", "rerun", "withdraw"):
        assert client.post(f"/s/{submitted.submission.pk}/{act}/").status_code == 404
    assert client.get("/s/99999999999999999999/").status_code == 404


def test_a_public_page_asks_to_log_in(client, db):
    project = make.make_project(visibility="public")
    author = make.make_member(project)
    submitted = make.make_layout_submission(make.make_platform(project), author)
    make.execute(submitted.run)
    path = f"/s/{submitted.submission.pk}/"
    assert "to comment or vote" in client.get(path).text
    assert client.post(f"{path}comment/", {"body": "x"})["Location"] == f"/login/?next={path}"
    stranger = make.make_user()
    client.force_login(stranger)
    assert client.post(f"{path}comment/", {"body": "x"}).status_code == 403


def test_a_comment(team, client, page):
    submitted = team.submission()
    answer = send(client, team, submitted, "comment", body="First line.\n\nSecond.")
    assert (answer.status_code, answer["Location"]) == (303, f"/s/{submitted.submission.pk}/#discussion")
    assert "<p>Second.</p>" in page(submitted)
    assert send(client, team, submitted, "comment", body=" ").status_code == 409


def test_what_was_typed_survives_a_refusal(team, client):
    submitted = team.submission()
    answer = send(client, team, submitted, "comment", role="viewer", body="typed")
    assert answer.status_code == 403
    answer = send(client, team, submitted, "vote", role="reviewer", value="maybe", body="typed too")
    assert answer.status_code == 409
    assert "typed too</textarea>" in answer.text
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.MAINTAINER])
def test_a_contributor_is_not_offered_to_approve(team, client, role):
    principal = make.make_member(team.project, role)
    submitted = make.make_layout_submission(team.platform, principal)
    make.execute(submitted.run)
    client.force_login(principal.user)
    shown = client.get(f"/s/{submitted.submission.pk}/").text
    assert 'value="approve"' not in shown
    assert 'value="nits"' not in shown
    assert 'value="request_changes"' in shown
    assert "You cannot approve this: You contributed to this revision" in shown
    forged = client.post(f"/s/{submitted.submission.pk}/vote/", {"value": "approve"})
    assert forged.status_code == 403
    assert "You contributed to this revision" in forged.text


def test_vote_then_adopt(team, client, page):
    submitted = team.submission()
    assert "Vote on r1" in page(submitted, "reviewer")
    digest = submitted.revision.digest
    answer = send(client, team, submitted, "vote", role="reviewer", value="approve", body="Good.", digest=digest)
    assert answer.status_code == 303
    assert "Your vote is recorded." in page(submitted, "reviewer")
    shown = page(submitted, "maintainer")
    assert "Gate: ready to adopt" in shown
    assert "Adopt r1" in shown
    assert send(client, team, submitted, "adopt", role="reviewer", digest=digest).status_code == 403
    assert send(client, team, submitted, "adopt", role="maintainer", digest="other").status_code == 409
    assert send(client, team, submitted, "adopt", role="maintainer", digest=digest).status_code == 303
    shown = page(submitted)
    assert '<span class="tag">adopted</span>' in shown
    assert "no more votes" in shown


def test_adopting_is_explained_while_the_gate_is_closed(team, page):
    shown = page(team.submission(), "maintainer")
    assert "see the checklist above" in shown


def test_a_vote_for_a_page_that_is_out_of_date(team, client):
    submitted = team.submission()
    answer = send(client, team, submitted, "vote", role="reviewer", value="approve", digest="0" * 64)
    assert answer.status_code == 409
    assert "came after the revision you looked at" in answer.text


def test_run_again_and_withdraw(team, client, page):
    submitted = team.submission()
    assert send(client, team, submitted, "rerun", reason="The fleet changed.").status_code == 303
    assert last_run(submitted.revision).attempt == 2
    assert send(client, team, submitted, "rerun", reason="The fleet changed.").status_code == 409
    assert send(client, team, submitted, "withdraw").status_code == 303
    assert "This submission is withdrawn" in page(submitted)
    assert revisions_of(submitted.submission).count() == 1


def test_a_reader_without_a_role_in_the_review(team, page):
    submitted = team.submission(layout=make.LINUX)
    assert "You are viewer here; voting needs the role reviewer." in page(submitted, "viewer")
    assert "Read the findings" in page(submitted, "viewer")
    assert "You submitted this, so somebody else must approve it." in page(submitted)
