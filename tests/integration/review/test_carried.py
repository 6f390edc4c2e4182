"""What a vote is worth on a later revision, and after its voter left: carried, outdated, standing."""

import pytest

from patreview.accounts.models import User
from patreview.analyses.queries import last_run
from patreview.analyses.services import cancel_run, request_run
from patreview.projects.models import Membership, Role
from patreview.reviews.models import Vote
from patreview.reviews.services import dismiss_vote, vote, withdraw_vote
from tests import make
from tests.integration.review.scenes import (
    CONFIG,
    OTHER,
    REMARKED,
    THIRD,
    configured,
    gate,
    outcome,
    review,
    revised,
    standing,
    status,
)


def digests(revision):
    run = last_run(revision)
    return run.proposal_digest, run.verdict_digest


def test_an_approval_is_carried_to_the_same_proposal_read_from_other_bytes(team):
    first = configured(team)
    vote(first.revision, "approve", by=team.reviewer)
    second = configured(team, REMARKED, submission=first.submission)
    assert second.revision.digest != first.revision.digest
    assert digests(second.revision) == digests(first.revision)
    assert standing(second.revision) == {team.reviewer.name: "carried"}
    assert status(second.revision, "approvals") == "satisfied"
    assert "(1 carried)" in next(one.detail for one in gate(second.revision).conditions if one.key == "approvals")


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        (CONFIG.replace("6.1.192", "6.1.193"), {}),
        (CONFIG.replace("CONFIG_X86_PAT=y", "# CONFIG_X86_PAT is not set"), {}),
        (CONFIG, {"cmdline": "nopat"}),
        (CONFIG, {"name": "another"}),
        (CONFIG, {"role": "domU"}),
    ],
)
def test_an_approval_of_another_proposal_or_verdict_is_outdated(team, text, stated):
    first = configured(team)
    vote(first.revision, "approve", by=team.reviewer)
    second = configured(team, text, submission=first.submission, **stated)
    assert digests(second.revision) != digests(first.revision)
    assert standing(second.revision) == {team.reviewer.name: "outdated"}
    assert status(second.revision, "approvals") == "pending"


def test_nothing_is_carried_before_the_run_or_from_a_run_that_ended_without_a_report(team):
    first = configured(team)
    vote(first.revision, "approve", by=team.reviewer)
    second = configured(team, REMARKED, submission=first.submission)
    again = request_run(second.revision, by=team.submitter, reason="Again.")
    assert standing(second.revision) == {team.reviewer.name: "outdated"}
    cancel_run(again, by=team.submitter)
    assert standing(second.revision) == {team.reviewer.name: "outdated"}
    assert gate(second.revision).adopt == "blocked"


def test_what_comes_back_to_what_was_approved_is_approved(team):
    """r3 proposes what r1 did: the approval of r1 is of that; an approval of what lies between is not."""
    first = team.submission()
    vote(first.revision, "approve", by=team.reviewer)
    second = revised(team, first, OTHER)
    vote(second.revision, "approve", by=team.maintainer)
    third = revised(team, first, make.HARMLESS)
    assert standing(third.revision) == {team.reviewer.name: "carried", team.maintainer.name: "outdated"}


@pytest.mark.parametrize("value", ["comment", "request_changes", "block"])
def test_only_approvals_are_carried(team, value):
    first = configured(team)
    vote(first.revision, value, by=team.reviewer)
    second = configured(team, REMARKED, submission=first.submission)
    assert standing(second.revision) == {team.reviewer.name: "outdated" if value == "comment" else "stands"}


@pytest.mark.parametrize("taken_back", ["withdrawn", "dismissed"])
def test_what_was_taken_back_is_not_carried(team, taken_back):
    first = configured(team)
    cast = vote(first.revision, "approve", by=team.reviewer)
    if taken_back == "withdrawn":
        withdraw_vote(cast, by=team.reviewer)
    else:
        cast = vote(first.revision, "block", by=team.reviewer)
        dismiss_vote(cast, "Mended.", by=team.maintainer)
    second = configured(team, REMARKED, submission=first.submission)
    assert standing(second.revision) == {team.reviewer.name: taken_back}
    assert review(second.revision).approvals == []


def test_the_carried_approval_of_one_who_had_a_hand_in_the_new_revision_does_not_count(team):
    first = configured(team)
    vote(first.revision, "approve", by=team.maintainer)
    second = configured(team, REMARKED, submission=first.submission, by=team.maintainer)
    assert standing(second.revision) == {team.maintainer.name: "carried"}
    assert review(second.revision).approvals == []
    assert status(second.revision, "approvals") == "pending"


def test_a_carried_approval_still_accepts_the_assumptions(team):
    stated = {"family": "stated", "release": "", "encodings": {"WB": "0", "WC": "PWT", "UC-": "PCD"}}
    first = make.make_guest_submission(team.project, team.submitter, **stated)
    make.execute(first.run)
    vote(first.revision, "approve", by=team.reviewer)
    assert status(first.revision, "conditionals_acknowledged") == "satisfied"
    vote(first.revision, "comment", by=team.reviewer)
    assert status(first.revision, "conditionals_acknowledged") == "pending"


@pytest.mark.parametrize("value", ["block", "request_changes"])
def test_an_objection_stands_over_all_later_revisions(team, value):
    first = team.submission()
    vote(first.revision, value, by=team.reviewer)
    for layout in (OTHER, THIRD):
        later = revised(team, first, layout)
        assert standing(later.revision) == {team.reviewer.name: "stands"}
        assert gate(later.revision).adopt == "blocked"
    vote(later.revision, "nits", by=team.reviewer)
    assert status(later.revision, "no_objection") == "satisfied"


@pytest.mark.parametrize("value", ["block", "request_changes"])
@pytest.mark.parametrize("how", ["withdrawn", "dismissed"])
def test_what_was_set_aside_stands_no_more(team, value, how):
    first = team.submission()
    cast = vote(first.revision, value, by=team.reviewer)
    later = revised(team, first)
    if how == "withdrawn":
        withdraw_vote(cast, by=team.reviewer)
    else:
        dismiss_vote(cast, "Mended by r2.", by=team.maintainer)
    assert standing(later.revision) == {team.reviewer.name: how}
    assert status(later.revision, "no_objection") == "satisfied"
    assert status(revised(team, first, THIRD).revision, "no_objection") == "satisfied"


@pytest.mark.parametrize(
    ("who", "expected"),
    [("viewer", "role"), ("submitter", "role"), ("reviewer", "role"), ("maintainer", "ok"), ("outsider", "not_found")],
)
def test_who_dismisses(team, who, expected):
    cast = vote(team.submission().revision, "block", by=make.make_member(team.project, Role.REVIEWER))
    assert outcome(dismiss_vote, cast, "Mended.", by=getattr(team, who)) == expected


def test_nobody_dismisses_what_is_held_against_their_own(team):
    """Owner, author of an earlier revision, author of this one; and nobody their own vote."""
    owner, second, third = (make.make_member(team.project, Role.MAINTAINER) for _ in range(3))
    first = make.make_layout_submission(team.platform, owner)
    make.execute(first.run)
    revised(team, first, OTHER, by=second)
    cast = vote(revised(team, first, THIRD, by=third).revision, "block", by=team.maintainer)
    refused = [outcome(dismiss_vote, cast, "Mended.", by=who) for who in (owner, second, third, team.maintainer)]
    assert refused == ["self_approval"] * 3 + ["own_vote"]
    assert status(cast.revision, "no_objection") == "unsatisfied"
    fourth = make.make_member(team.project, Role.MAINTAINER)
    assert outcome(dismiss_vote, cast, "Mended.", by=fourth) == "ok"


@pytest.mark.parametrize(("reason", "code"), [("", "empty"), ("  ", "empty"), ("a\nb", "bad_character")])
def test_a_dismissal_says_why(team, reason, code):
    cast = vote(team.submission().revision, "block", by=team.reviewer)
    assert outcome(dismiss_vote, cast, reason, by=team.maintainer) == code
    assert outcome(dismiss_vote, cast, "x" * 501, by=team.maintainer) == "too_long"
    assert Vote.objects.get().dismissed_at is None


def test_nobody_withdraws_the_vote_of_another(team):
    cast = vote(team.submission().revision, "block", by=team.reviewer)
    assert outcome(withdraw_vote, cast, by=team.maintainer) == "not_yours"
    assert outcome(withdraw_vote, cast, by=team.outsider) == "not_found"
    assert standing(cast.revision) == {team.reviewer.name: "active"}


def leave(who):
    Membership.objects.filter(user=who.user).delete()


def shut_out(who):
    User.objects.filter(pk=who.user.pk).update(is_active=False)


def demote(who):
    Membership.objects.filter(user=who.user).update(role=Role.SUBMITTER)


@pytest.mark.parametrize("gone", [leave, shut_out, demote])
@pytest.mark.parametrize(
    ("value", "condition", "expected"),
    [
        ("approve", "approvals", "pending"),
        ("nits", "approvals", "pending"),
        ("request_changes", "no_objection", "unsatisfied"),
        ("block", "no_objection", "unsatisfied"),
    ],
)
def test_the_votes_of_those_who_may_vote_no_more(team, gone, value, condition, expected):
    """An approval counts no more; an objection stands until somebody decides on it."""
    first = team.submission()
    cast = vote(first.revision, value, by=team.reviewer)
    gone(team.reviewer)
    assert status(first.revision, condition) == expected
    assert gate(first.revision).adopt != "satisfied"
    if value in ("request_changes", "block"):
        dismiss_vote(cast, "They left.", by=team.maintainer)
        assert status(first.revision, condition) == "satisfied"


@pytest.mark.parametrize("gone", [leave, shut_out, demote])
def test_the_carried_approval_of_one_who_may_vote_no_more_does_not_count(team, gone):
    first = configured(team)
    vote(first.revision, "approve", by=team.reviewer)
    second = configured(team, REMARKED, submission=first.submission)
    gone(team.reviewer)
    assert status(second.revision, "approvals") == "pending"


@pytest.mark.parametrize("gone", [leave, shut_out])
def test_those_who_left_do_nothing(team, gone):
    first = team.submission()
    cast = vote(first.revision, "block", by=team.reviewer)
    gone(team.reviewer)
    team.reviewer.user.refresh_from_db()
    assert outcome(vote, first.revision, "approve", by=team.reviewer) == "not_found"
    assert outcome(withdraw_vote, cast, by=team.reviewer) == "not_found"
    assert standing(first.revision) == {team.reviewer.name: "active"}


def test_each_approval_is_of_another_person(team):
    team.project.required_approvals = 2
    team.project.save()
    first = team.submission()
    vote(first.revision, "approve", by=team.reviewer)
    vote(first.revision, "nits", by=team.reviewer)
    assert status(first.revision, "approvals") == "pending"
    vote(first.revision, "nits", by=team.maintainer)
    assert status(first.revision, "approvals") == "satisfied"
