"""Nobody approves what they had a hand in, by whichever door they come."""

import json

import pytest

from patreview.accounts.models import User
from patreview.projects.members import set_member
from patreview.projects.models import Membership, Role
from patreview.projects.principal import Principal
from patreview.projects.services import issue_token
from patreview.reviews.models import Vote, Waiver
from patreview.reviews.services import vote
from patreview.reviews.waivers import decide_waiver, propose_waiver
from patreview.submissions.models import Submission
from tests import make
from tests.integration.review.scenes import OTHER, THIRD, finding, harmful, outcome, review, revised, status


def by_form(client, who, submission, value):
    client.force_login(who.user)
    sent = {"value": value, "digest": submission.current.digest}
    return client.post(f"/s/{submission.pk}/vote/", sent).status_code


def by_session(client, who, submission, value):
    client.force_login(who.user)
    return _rest(client, submission, value)


def by_token(client, who, submission, value):
    client.logout()
    project, scopes = submission.project, ["read", "submit", "review"]
    text = issue_token(project, who.user, name="mine", scopes=scopes, by="tests").text
    return _rest(client, submission, value, Authorization=f"Bearer {text}")


def _rest(client, submission, value, **headers):
    headers |= {"If-Match": f'"{submission.current.digest}"'}
    path = f"/api/v1/submissions/{submission.pk}/votes"
    answer = client.post(path, json.dumps({"value": value}), content_type="application/json", headers=headers)
    return answer.status_code


DOORS = (by_form, by_session, by_token)


def owner(team):
    """Somebody who submitted it and is a maintainer today."""
    who = make.make_member(team.project, Role.MAINTAINER)
    first = make.make_layout_submission(team.platform, who)
    make.execute(first.run)
    return who, first.submission


def uploader(team):
    """A maintainer who added the current revision to what another owns."""
    first = team.submission()
    revised(team, first, by=team.maintainer)
    return team.maintainer, first.submission


def earlier_uploader(team):
    """A maintainer who added a revision that is superseded by now."""
    first = team.submission()
    revised(team, first, OTHER, by=team.maintainer)
    revised(team, first, THIRD)
    return team.maintainer, first.submission


def behind_a_token(team):
    """The owner of the token that submitted it."""
    who = make.make_member(team.project, Role.REVIEWER)
    token = issue_token(team.project, who.user, name="ci", scopes=["read", "submit"], by="tests").token
    first = make.make_layout_submission(team.platform, Principal(who.user, token))
    make.execute(first.run)
    return who, first.submission


def behind_a_revoked_token(team):
    who, submission = behind_a_token(team)
    who.user.tokens.all().delete()
    return who, submission


def admin_who_is_a_member(team):
    who, submission = owner(team)
    User.objects.filter(pk=who.user.pk).update(is_superuser=True, is_staff=True)
    return Principal(User.objects.get(pk=who.user.pk)), submission


def risen(team):
    """A submitter who was made a maintainer afterwards."""
    first = team.submission()
    set_member(team.project, team.submitter.user, Role.MAINTAINER, by="tests")
    return team.submitter, first.submission


def needed_waiver(team):
    """Who proposed a waiver that the revision needs."""
    first = harmful(team)
    found = finding(first.revision, "incompatible")["fingerprint"]
    waiver = propose_waiver(first.revision, found, reason="Known.", expires_on=_soon(), by=team.reviewer)
    decide_waiver(waiver, accept=True, by=team.maintainer)
    return team.reviewer, first.submission


def _soon():
    from patreview.reviews.queries import today

    return today().isoformat()


SITUATIONS = (
    owner, uploader, earlier_uploader, behind_a_token, behind_a_revoked_token, admin_who_is_a_member, risen,
    needed_waiver,
)  # fmt: skip


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("door", DOORS)
def test_who_had_a_hand_in_it_does_not_approve(team, client, situation, door):
    who, submission = situation(team)
    submission = Submission.objects.get(pk=submission.pk)
    for value in ("approve", "nits"):
        assert door(client, who, submission, value) == 403
        assert outcome(vote, submission.current, value, by=who) == "self_approval"
    assert not Vote.objects.exists()
    assert status(submission.current, "approvals") == "pending"
    assert door(client, who, submission, "request_changes") in (201, 303), "but may object"


@pytest.mark.parametrize("door", DOORS)
def test_the_same_by_somebody_else(team, client, door):
    submission = team.submission().submission
    submission = Submission.objects.get(pk=submission.pk)
    assert door(client, team.reviewer, submission, "approve") in (201, 303)
    assert status(submission.current, "approvals") == "satisfied"


@pytest.mark.parametrize("door", [by_form, by_session])
@pytest.mark.parametrize(("visibility", "expected"), [("private", 404), ("public", 403)])
def test_an_admin_who_is_no_member_does_not_vote(team, client, door, visibility, expected):
    submission = Submission.objects.get(pk=team.submission().submission.pk)
    team.project.visibility = visibility
    team.project.save()
    admin = Principal(User.objects.create_superuser("root", password=make.PASSWORD))
    for value in ("approve", "nits", "comment", "request_changes", "block"):
        assert door(client, admin, submission, value) == expected
    assert not Vote.objects.exists()


@pytest.mark.parametrize("scopes", [["read"], ["submit"], ["read", "submit"], ["review"]])
def test_a_token_votes_by_its_scope_alone(team, client, scopes):
    """`review` without `read` sees nothing, so that there is nothing to vote on."""
    submission = Submission.objects.get(pk=team.submission().submission.pk)
    text = issue_token(team.project, team.reviewer.user, name="t", scopes=scopes, by="tests").text
    assert _rest(client, submission, "approve", Authorization=f"Bearer {text}") in (403, 404)
    assert not Vote.objects.exists()


def test_a_token_of_another_project_does_not_vote(team, client):
    submission = Submission.objects.get(pk=team.submission().submission.pk)
    elsewhere = make.make_project()
    set_member(elsewhere, team.reviewer.user, Role.MAINTAINER, by="tests")
    scopes = ["read", "submit", "review"]
    text = issue_token(elsewhere, team.reviewer.user, name="t", scopes=scopes, by="tests").text
    for visibility, expected in (("private", 404), ("public", 404)):
        team.project.visibility = visibility
        team.project.save()
        assert _rest(client, submission, "approve", Authorization=f"Bearer {text}") == expected
    assert not Vote.objects.exists()


def test_the_token_of_one_who_left_does_not_vote(team, client):
    submission = Submission.objects.get(pk=team.submission().submission.pk)
    scopes = ["read", "submit", "review"]
    text = issue_token(team.project, team.reviewer.user, name="t", scopes=scopes, by="tests").text
    Membership.objects.filter(user=team.reviewer.user).delete()
    assert _rest(client, submission, "approve", Authorization=f"Bearer {text}") == 404


def test_an_approval_given_before_its_voter_took_part_does_not_count(team):
    """The vote came first, the waiver or the revision after it: what counts is who took part, not when."""
    first = harmful(team)
    vote(first.revision, "approve", by=team.reviewer)
    assert len(review(first.revision).approvals) == 1
    found = finding(first.revision, "incompatible")["fingerprint"]
    waiver = propose_waiver(first.revision, found, reason="Known.", expires_on=_soon(), by=team.reviewer)
    assert len(review(first.revision).approvals) == 1, "a waiver that nobody accepted is needed by nothing"
    decide_waiver(waiver, accept=True, by=team.maintainer)
    assert review(first.revision).approvals == []


def accept_by_form(client, who, waiver):
    client.force_login(who.user)
    return client.post(f"/waivers/{waiver.pk}/decide/", {"decision": "accept"}).status_code


def accept_by_session(client, who, waiver):
    client.force_login(who.user)
    return _accept(client, waiver)


def accept_by_token(client, who, waiver):
    client.logout()
    scopes = ["read", "submit", "review"]
    text = issue_token(waiver.project, who.user, name="mine", scopes=scopes, by="tests").text
    return _accept(client, waiver, Authorization=f"Bearer {text}")


def _accept(client, waiver, **headers):
    path, body = f"/api/v1/waivers/{waiver.pk}/decision", json.dumps({"decision": "accept"})
    return client.put(path, body, content_type="application/json", headers=headers).status_code


@pytest.mark.parametrize("door", [accept_by_form, accept_by_session, accept_by_token])
@pytest.mark.parametrize("hand", ["proposed it", "owns it", "added a revision", "added an earlier one"])
def test_a_waiver_takes_a_second_person_who_had_no_hand_in_it(team, client, door, hand):
    make.make_guest(team.platform, name="sles", family="suse-xenlinux", release="2.6.32", role="domU", needs=["WC"])
    who = team.maintainer
    owns = who if hand == "owns it" else team.submitter
    first = make.make_layout_submission(team.platform, owns, layout=make.LINUX)
    if hand in ("added a revision", "added an earlier one"):
        first = revised(team, first, make.HARMLESS, by=who)
        first = revised(team, first, make.LINUX, by=who if hand == "added a revision" else team.submitter)
    make.execute(first.run)
    found = finding(first.revision, "incompatible")["fingerprint"]
    proposer = who if hand == "proposed it" else team.reviewer
    waiver = propose_waiver(first.revision, found, reason="Known.", expires_on=_soon(), by=proposer)
    assert door(client, who, waiver) == 403
    assert outcome(decide_waiver, waiver, accept=True, by=who) == "self_approval"
    assert Waiver.objects.get().state == "proposed"
    another = make.make_member(team.project, Role.MAINTAINER)
    assert door(client, another, waiver) in (200, 303)


def test_nobody_rejects_their_own_either_but_takes_it_back(team):
    first = harmful(team)
    found = finding(first.revision, "incompatible")["fingerprint"]
    waiver = propose_waiver(first.revision, found, reason="Known.", expires_on=_soon(), by=team.maintainer)
    assert outcome(decide_waiver, waiver, accept=False, by=team.maintainer) == "self_approval"


@pytest.mark.parametrize("who", ["viewer", "submitter", "reviewer"])
def test_only_maintainers_decide_on_waivers(team, who):
    first = harmful(team)
    found = finding(first.revision, "incompatible")["fingerprint"]
    waiver = propose_waiver(first.revision, found, reason="Known.", expires_on=_soon(), by=team.reviewer)
    for accept in (True, False):
        assert outcome(decide_waiver, waiver, accept=accept, by=getattr(team, who)) == "role"
