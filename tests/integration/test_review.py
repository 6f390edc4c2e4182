"""Votes, comments, the gate and adopting: each rule of the review, as the services enforce it."""

import pytest
from django.db.models import F
from django.utils import timezone

from patreview.accounts.models import User
from patreview.analyses.queries import last_run, report_of
from patreview.catalogue.models import Guest, Platform
from patreview.projects.errors import Conflict, Forbidden, NotFound
from patreview.projects.models import Membership, Project, Role
from patreview.projects.principal import Principal
from patreview.projects.services import issue_token
from patreview.reviews import gate as gates
from patreview.reviews.discussion import say
from patreview.reviews.gate import gate_of
from patreview.reviews.models import Comment, Vote
from patreview.reviews.queries import standing_votes, visible_comments
from patreview.reviews.services import adopt, vote, withdraw
from patreview.submissions.models import Revision, Submission
from tests import make


def gate(revision):
    revision = Revision.objects.select_related("submission__project").get(pk=revision.pk)
    run = last_run(revision)
    return gate_of(revision, run, report_of(run) if run else None)


def approval_refusal(principal, revision):
    run = last_run(revision)
    return gates.approval_refusal(principal, gates.review_of(revision, run, report_of(run) if run else None))


def status(revision, key):
    return next(c.status for c in gate(revision).conditions if c.key == key)


def test_the_whole_way_to_a_layout_in_force(team):
    submitted = team.submission()
    assert gate(submitted.revision).check == "satisfied"
    assert gate(submitted.revision).adopt == "pending"
    vote(submitted.revision, "approve", by=team.reviewer)
    assert gate(submitted.revision).adopt == "satisfied"
    adopt(submitted.revision, by=team.maintainer, digest=submitted.revision.digest)
    assert Platform.objects.get(pk=team.platform.pk).layout.msr == "0x0007050100070406"
    assert Submission.objects.get().state == "adopted"
    adopted = Submission.objects.get().current
    assert (status(adopted, "report_current"), gate(adopted).adopt) == ("not_applicable", "satisfied")


def test_a_proposed_guest_goes_in_service(team):
    submitted = make.make_guest_submission(team.project, team.submitter, name="next dom0")
    make.execute(submitted.run)
    vote(submitted.revision, "approve", by=team.reviewer)
    adopt(submitted.revision, by=team.maintainer, digest=submitted.revision.digest)
    guest = Guest.objects.get(name="next dom0")
    assert list(guest.platforms.all()) == [team.platform]


@pytest.mark.parametrize("role", [Role.SUBMITTER, Role.REVIEWER, Role.MAINTAINER])
def test_nobody_approves_what_they_contributed_to(team, role):
    author = make.make_member(team.project, role)
    submitted = make.make_layout_submission(team.platform, author)
    make.execute(submitted.run)
    assert approval_refusal(author, submitted.revision)
    with pytest.raises(Forbidden):
        vote(submitted.revision, "approve", by=author)
    assert not Vote.objects.exists()


def test_an_earlier_author_is_a_contributor_of_later_revisions(team):
    first = team.submission()
    second = make.make_layout_submission(
        team.platform, team.maintainer, layout="WB WT UC- UC WC WP UC UC-", submission=first.submission
    )
    make.execute(second.run)
    for contributor in (team.submitter, team.maintainer):
        assert approval_refusal(contributor, second.revision)
    assert not approval_refusal(team.reviewer, second.revision)


def test_a_contributor_may_request_changes(team):
    author = make.make_member(team.project, Role.REVIEWER)
    submitted = make.make_layout_submission(team.platform, author)
    make.execute(submitted.run)
    vote(submitted.revision, "request_changes", by=author)
    assert status(submitted.revision, "no_objection") == "unsatisfied"


def test_there_is_nothing_to_approve_before_the_report(team):
    submitted = make.make_layout_submission(team.platform, team.submitter)
    with pytest.raises(Conflict) as refused:
        vote(submitted.revision, "approve", by=team.reviewer)
    assert refused.value.code == "no_report"
    assert gate(submitted.revision).check == "pending"


def test_an_unknown_vote_is_refused(team):
    with pytest.raises(Conflict) as refused:
        vote(team.submission().revision, "+2", by=team.reviewer)
    assert refused.value.code == "unknown_vote"


def test_a_vote_binds_to_its_revision(team):
    first = team.submission()
    vote(first.revision, "approve", by=team.reviewer)
    second = make.make_layout_submission(
        team.platform, team.submitter, layout="WB WT UC- UC WC WP UC UC-", submission=first.submission
    )
    make.execute(second.run)
    assert status(second.revision, "approvals") == "pending"
    with pytest.raises(Conflict) as refused:
        vote(first.revision, "approve", by=team.reviewer)
    assert refused.value.code == "outdated"
    assert Vote.objects.filter(revision=first.revision).count() == 1


@pytest.mark.parametrize("value", ["block", "request_changes"])
def test_an_objection_stands_over_new_revisions_until_its_author_votes_again(team, value):
    first = team.submission()
    vote(first.revision, value, by=team.reviewer)
    second = make.make_layout_submission(
        team.platform, team.submitter, layout="WB WT UC- UC WC WP UC UC-", submission=first.submission
    )
    make.execute(second.run)
    assert status(second.revision, "no_objection") == "unsatisfied"
    vote(second.revision, "approve", by=team.reviewer)
    assert status(second.revision, "no_objection") == "satisfied"
    assert [v.vote.value for v in standing_votes(second.revision)] == ["approve"]


def test_an_approval_acknowledges_the_assumptions_of_the_report(team):
    make.make_guest(team.platform, name="g", family="stated", release="", encodings={"WB": "0", "UC-": "PCD"})
    submitted = make.make_guest_submission(
        team.project, team.submitter, family="stated", release="", encodings={"WB": "0", "WC": "PWT", "UC-": "PCD"}
    )
    make.execute(submitted.run)
    assert submitted.submission.project.submissions.get().verdict == "conditional"
    assert status(submitted.revision, "conditionals_acknowledged") == "pending"
    vote(submitted.revision, "approve", by=team.reviewer)
    assert Vote.objects.get().acknowledges
    assert status(submitted.revision, "conditionals_acknowledged") == "satisfied"


def test_what_is_incompatible_is_never_adopted(team):
    make.make_guest(team.platform, name="sles", family="suse-xenlinux", release="2.6.32", role="domU", needs=["WC"])
    submitted = team.submission(layout=make.LINUX)
    vote(submitted.revision, "approve", by=team.reviewer)
    assert status(submitted.revision, "no_incompatible") == "unsatisfied"
    assert status(submitted.revision, "no_regression") == "unsatisfied"
    assert gate(submitted.revision).adopt == "blocked"
    with pytest.raises(Conflict) as refused:
        adopt(submitted.revision, by=team.maintainer, digest=submitted.revision.digest)
    assert refused.value.code == "gate"
    assert Platform.objects.get(pk=team.platform.pk).layout.msr == make.XEN


def test_a_report_of_another_fleet_does_not_open_the_gate(team):
    submitted = team.submission()
    vote(submitted.revision, "approve", by=team.reviewer)
    make.make_guest(team.platform, name="came later")
    assert status(submitted.revision, "report_current") == "unsatisfied"
    with pytest.raises(Conflict):
        adopt(submitted.revision, by=team.maintainer, digest=submitted.revision.digest)


def test_adopting_what_one_did_not_look_at_is_refused(team):
    submitted = team.submission()
    vote(submitted.revision, "approve", by=team.reviewer)
    with pytest.raises(Conflict) as refused:
        adopt(submitted.revision, by=team.maintainer, digest="0" * 64)
    assert refused.value.code == "stale"


def test_a_failed_run_blocks(team):
    submitted = team.submission()
    run = submitted.revision.runs.get()
    run.state, run.reason_text = "failed", "Its worker was lost."
    run.save()
    assert gate(submitted.revision).check == "blocked"
    assert "lost" in gate(submitted.revision).conditions[0].detail


@pytest.mark.parametrize(
    ("who", "error"),
    [("viewer", Forbidden), ("submitter", Forbidden), ("reviewer", Forbidden), ("outsider", NotFound)],
)
def test_only_maintainers_adopt(team, who, error):
    submitted = team.submission()
    vote(submitted.revision, "approve", by=team.reviewer)
    with pytest.raises(error):
        adopt(submitted.revision, by=getattr(team, who), digest=submitted.revision.digest)


@pytest.mark.parametrize(("who", "error"), [("viewer", Forbidden), ("submitter", Forbidden), ("outsider", NotFound)])
def test_only_reviewers_vote(team, who, error):
    with pytest.raises(error):
        vote(team.submission().revision, "block", by=getattr(team, who))


def test_an_adopted_submission_takes_no_more_votes(team):
    submitted = team.submission()
    vote(submitted.revision, "approve", by=team.reviewer)
    adopt(submitted.revision, by=team.maintainer, digest=submitted.revision.digest)
    for act in (
        lambda: vote(submitted.revision, "block", by=team.reviewer),
        lambda: adopt(submitted.revision, by=team.maintainer, digest=submitted.revision.digest),
        lambda: withdraw(submitted.submission, by=team.submitter),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "not_open"


def test_comments(team):
    submitted = team.submission()
    say(submitted.revision, "  Which GPU?  ", by=team.submitter)
    assert [row.body for row in visible_comments(team.viewer)] == ["Which GPU?"]
    for body, code in (("   ", "empty"), ("x" * 16385, "too_long"), ("a\0b", "bad_character")):
        with pytest.raises(Conflict) as refused:
            say(submitted.revision, body, by=team.submitter)
        assert refused.value.code == code
    with pytest.raises(Forbidden):
        say(submitted.revision, "hello", by=team.viewer)
    assert Comment.objects.count() == 1


def test_withdrawing(team):
    submitted = team.submission()
    with pytest.raises(Forbidden):
        withdraw(submitted.submission, by=team.reviewer)
    withdraw(submitted.submission, by=team.submitter)
    assert Submission.objects.get().state == "withdrawn"


def test_a_vote_on_what_one_did_not_look_at_is_refused(team):
    submitted = team.submission()
    with pytest.raises(Conflict) as refused:
        vote(submitted.revision, "approve", by=team.reviewer, digest="0" * 64)
    assert refused.value.code == "outdated"


def test_the_votes_of_those_who_left_do_not_count(team):
    submitted = team.submission()
    vote(submitted.revision, "approve", by=team.reviewer)
    Membership.objects.filter(user=team.reviewer.user).delete()
    assert status(submitted.revision, "approvals") == "pending"


def test_the_approval_of_one_who_was_shut_out_does_not_count(team):
    submitted = team.submission()
    vote(submitted.revision, "approve", by=team.reviewer)
    User.objects.filter(pk=team.reviewer.user.pk).update(is_active=False)
    assert status(submitted.revision, "approvals") == "pending"


def test_the_block_of_one_who_left_stands(team):
    submitted = team.submission()
    vote(submitted.revision, "block", by=team.reviewer)
    Membership.objects.filter(user=team.reviewer.user).delete()
    assert status(submitted.revision, "no_objection") == "unsatisfied"


def test_a_changed_vote_is_of_now(team):
    submitted = team.submission()
    first = vote(submitted.revision, "comment", by=team.reviewer).at
    assert vote(submitted.revision, "approve", by=team.reviewer).at > first


@pytest.mark.parametrize("state", ["adopted", "withdrawn"])
def test_strangers_learn_nothing_of_closed_submissions(team, state):
    submitted = team.submission()
    Submission.objects.update(state=state)
    for act in (
        lambda: vote(submitted.revision, "block", by=team.outsider),
        lambda: adopt(submitted.revision, by=team.outsider, digest=submitted.revision.digest),
        lambda: say(submitted.revision, "hello", by=team.outsider),
    ):
        with pytest.raises(NotFound):
            act()


def test_nothing_is_adopted_onto_a_retired_platform(team):
    submitted = team.submission()
    vote(submitted.revision, "approve", by=team.reviewer)
    Platform.objects.update(retired_at=timezone.now())
    with pytest.raises(Conflict) as refused:
        adopt(submitted.revision, by=team.maintainer, digest=submitted.revision.digest)
    assert refused.value.code == "retired"


def test_what_cannot_be_computed_blocks(team):
    submitted = team.submission()
    Guest.objects.update(facts=["not facts"])
    Project.objects.update(catalogue_version=F("catalogue_version") + 1)
    assert status(submitted.revision, "report_current") == "unsatisfied"
    assert gate(submitted.revision).check == "blocked"
    assert Guest.objects.get().summary == "facts that cannot be read"


def test_the_longest_name_goes_in_service(team):
    submitted = make.make_guest_submission(team.project, team.submitter, name="g" * 100)
    make.execute(submitted.run)
    vote(submitted.revision, "approve", by=team.reviewer)
    adopt(submitted.revision, by=team.maintainer, digest=submitted.revision.digest)
    assert Guest.objects.filter(name="g" * 100).exists()


def test_a_token_without_the_scope_says_nothing(team):
    submitted = team.submission()
    token = issue_token(team.project, team.reviewer.user, name="ci", scopes=["read", "submit"], by="tests").token
    machine = Principal(team.reviewer.user, token)
    for act in (
        lambda: vote(submitted.revision, "approve", by=machine),
        lambda: say(submitted.revision, "hello", by=machine),
    ):
        with pytest.raises(Forbidden) as refused:
            act()
        assert refused.value.code == "scope"
