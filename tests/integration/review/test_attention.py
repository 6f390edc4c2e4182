"""Whose turn it is and why, on a submission and on the start page; and what nobody but its author knows."""

from datetime import timedelta

import pytest

from patreview.accounts.models import User
from patreview.analyses.models import Run
from patreview.analyses.services import request_run
from patreview.journal.models import Entry
from patreview.outgoing.acts import act_of
from patreview.outgoing.audience import audience
from patreview.outgoing.letters import letter
from patreview.projects.models import Membership, Role
from patreview.reviews.attention import queue_of, turns
from patreview.reviews.discussion import publish, reply, resolve, say
from patreview.reviews.models import Comment, Thread, Vote, Waiver
from patreview.reviews.queries import today
from patreview.reviews.services import dismiss_vote, vote, withdraw, withdraw_vote
from patreview.reviews.waivers import decide_waiver
from patreview.submissions.models import Submission
from tests import make
from tests.integration.review.scenes import (
    THIRD,
    conditional,
    gate,
    harmful,
    proposed,
    review,
    revised,
    waived,
)

ROLES = ("viewer", "submitter", "reviewer", "maintainer")
AGAIN = "vote again: a new revision came"
TALK = "answer {reviewer}: a new revision, or talk them round"
SOON = (today() + timedelta(days=10)).isoformat()


def turn_of(team, submitted):
    """Reasons by role, the names in them replaced by roles."""
    found = review(submitted.revision)
    names = {getattr(team, role).name: role for role in ROLES}
    told = {names[turn.name]: turn.reason for turn in turns(found, gate(submitted.revision))}
    return {role: reason.replace(team.reviewer.name, "{reviewer}") for role, reason in told.items()}


def queue(who):
    return [(one.act, one.submission.pk) for one in queue_of(who)]


def acts(who):
    return [act for act, _ in queue(who)]


def fresh(team):
    return team.submission(), {"reviewer": "vote", "maintainer": "vote"}


def under_way(team):
    submitted = team.submission()
    request_run(submitted.revision, by=team.submitter, reason="Again.")
    return submitted, {}


def failed(team):
    submitted = team.submission()
    Run.objects.update(state="failed")
    Submission.objects.update(run_state="failed")
    return submitted, {"submitter": "mend what the gate says under “Run completed”"}


def closed(team):
    submitted = team.submission()
    withdraw(submitted.submission, by=team.submitter)
    return submitted, {}


def approved(team):
    submitted = team.submission()
    vote(submitted.revision, "approve", by=team.reviewer)
    return submitted, {"maintainer": "adopt it: every condition holds"}


def commented(team):
    submitted = team.submission()
    vote(submitted.revision, "comment", by=team.reviewer)
    return submitted, {"maintainer": "vote"}


def taken_back(team):
    submitted = team.submission()
    withdraw_vote(vote(submitted.revision, "approve", by=team.reviewer), by=team.reviewer)
    return submitted, {"reviewer": "vote", "maintainer": "vote"}


def dismissed(team):
    submitted = team.submission()
    dismiss_vote(vote(submitted.revision, "block", by=team.reviewer), "No.", by=team.maintainer)
    return submitted, {"reviewer": "vote", "maintainer": "vote"}


def blocked(team):
    submitted = team.submission()
    vote(submitted.revision, "block", by=team.reviewer)
    return submitted, {"submitter": TALK, "maintainer": "vote"}


def changes_asked_for(team):
    submitted = team.submission()
    vote(submitted.revision, "request_changes", by=team.reviewer)
    return submitted, {"submitter": TALK, "maintainer": "vote"}


def changes_made(team):
    """The owner has done what they could: who asked looks at it again."""
    first = team.submission()
    vote(first.revision, "request_changes", by=team.reviewer)
    return revised(team, first), {"reviewer": AGAIN, "maintainer": "vote"}


def blocked_for_good(team):
    """A block is of all revisions: another revision alone does not end it."""
    first = team.submission()
    vote(first.revision, "block", by=team.reviewer)
    return revised(team, first), {"submitter": TALK, "maintainer": "vote"}


def outdated(team):
    first = team.submission()
    vote(first.revision, "approve", by=team.reviewer)
    return revised(team, first), {"reviewer": AGAIN, "maintainer": "vote"}


def asked(team):
    submitted = team.submission()
    say(submitted.revision, "Which GPU?", by=team.reviewer, asks=True)
    return submitted, {
        "submitter": "answer 1 open thread", "reviewer": "vote", "maintainer": "vote"
    }  # fmt: skip


def incompatible(team):
    return harmful(team), {
        "submitter": "mend what the gate says under “Nothing incompatible”", "reviewer": "vote", "maintainer": "vote",
    }  # fmt: skip


def waiver_proposed(team):
    submitted = harmful(team)
    waiver = proposed(team, submitted, last=SOON, day=today())
    return submitted, {
        "submitter": "mend what the gate says under “Nothing incompatible”",
        "reviewer": "vote",
        "maintainer": f"decide on {waiver.name}",
    }


def waiver_by_the_maintainer(team):
    """It waits for another maintainer, and there is none; its proposer does not vote when it is in force."""
    submitted = harmful(team)
    proposed(team, submitted, by=team.maintainer, last=SOON, day=today())
    return submitted, {
        "submitter": "mend what the gate says under “Nothing incompatible”", "reviewer": "vote", "maintainer": "vote",
    }  # fmt: skip


def another_assumption(team):
    """The fleet changed, and the report of the same revision asks to accept what nobody has accepted."""
    submitted = conditional(team)
    vote(submitted.revision, "approve", by=team.reviewer)
    Vote.objects.update(acknowledges=["0" * 16])
    again = "vote again: the report has assumptions that nobody accepted"
    return submitted, {"reviewer": again, "maintainer": "vote"}


def owner_is_a_viewer_now(team):
    submitted = harmful(team)
    Membership.objects.filter(user=team.submitter.user).update(role=Role.VIEWER)
    return submitted, {"reviewer": "vote", "maintainer": "vote"}


def owner_left(team):
    submitted = harmful(team)
    Membership.objects.filter(user=team.submitter.user).delete()
    return submitted, {"reviewer": "vote", "maintainer": "vote"}


def unreadable(team):
    submitted = harmful(team)
    waived(team, submitted, last=SOON, day=today())
    Waiver.objects.update(guests=5)
    return submitted, {"maintainer": "look: nothing incompatible could not be computed"}


SITUATIONS = (
    fresh, under_way, failed, closed, approved, commented, taken_back, dismissed, blocked, changes_asked_for,
    changes_made, blocked_for_good, outdated, asked, incompatible, waiver_proposed, waiver_by_the_maintainer,
    another_assumption, owner_is_a_viewer_now, owner_left, unreadable,
)  # fmt: skip


@pytest.mark.parametrize("situation", SITUATIONS)
def test_whose_turn_it_is(team, situation):
    submitted, expected = situation(team)
    assert turn_of(team, submitted) == expected


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        (fresh, {"reviewer": ["Vote"], "maintainer": ["Vote"]}),
        (under_way, {}),
        (failed, {"submitter": ["Mend"]}),
        (closed, {}),
        (approved, {"maintainer": ["Vote", "Adopt"]}),
        (taken_back, {"reviewer": ["Vote"], "maintainer": ["Vote"]}),
        (dismissed, {"reviewer": ["Vote"], "maintainer": ["Vote"]}),
        (blocked, {"submitter": ["Mend"], "maintainer": ["Vote"]}),
        (changes_asked_for, {"submitter": ["Mend"], "maintainer": ["Vote"]}),
        (changes_made, {"reviewer": ["Vote"], "maintainer": ["Vote"]}),
        (blocked_for_good, {"submitter": ["Mend"], "maintainer": ["Vote"]}),
        (outdated, {"reviewer": ["Vote"], "maintainer": ["Vote"]}),
        (asked, {"submitter": ["Answer"], "reviewer": ["Vote"], "maintainer": ["Vote"]}),
        (incompatible, {"submitter": ["Mend"], "reviewer": ["Vote"], "maintainer": ["Vote"]}),
        (waiver_proposed, {"submitter": ["Mend"], "reviewer": ["Vote"], "maintainer": ["Vote", "Decide"]}),
        (waiver_by_the_maintainer, {"submitter": ["Mend"], "reviewer": ["Vote"], "maintainer": ["Vote"]}),
        (owner_is_a_viewer_now, {"reviewer": ["Vote"], "maintainer": ["Vote"]}),
        (owner_left, {"reviewer": ["Vote"], "maintainer": ["Vote"]}),
    ],
)
@pytest.mark.parametrize("visibility", ["private", "public"])
def test_what_waits_on_the_start_page(team, situation, expected, visibility):
    """The same for a public project: that one may read it makes nothing one's turn."""
    team.project.visibility = visibility
    team.project.save()
    situation(team)
    assert {role: acts(getattr(team, role)) for role in ROLES if acts(getattr(team, role))} == expected
    assert queue(team.outsider) == []


def test_what_is_carried_waits_for_adoption(team):
    first = team.submission()
    vote(first.revision, "approve", by=team.reviewer)
    revised(team, first)
    second = revised(team, first, make.HARMLESS)
    assert turn_of(team, second) == {"maintainer": "adopt it: every condition holds"}
    assert ("Adopt", first.submission.pk) in queue(team.maintainer)


def test_what_was_approved_and_changed_does_not_wait_for_adoption(team):
    first = team.submission()
    vote(first.revision, "approve", by=team.reviewer)
    revised(team, first)
    assert "Adopt" not in acts(team.maintainer)
    third = revised(team, first, THIRD)
    vote(third.revision, "approve", by=team.reviewer)
    assert "Adopt" in acts(team.maintainer)
    withdraw_vote(Vote.objects.get(revision=third.revision), by=team.reviewer)
    assert "Adopt" not in acts(team.maintainer)


@pytest.mark.parametrize("visibility", ["private", "public"])
@pytest.mark.parametrize("gone", ["left", "shut out", "viewer"])
def test_nothing_waits_for_those_who_left(team, client, visibility, gone):
    """Owner, voter, proposer, debater: whatever they were, it is no concern of theirs any more."""
    team.project.visibility = visibility
    team.project.save()
    who = make.make_member(team.project, Role.MAINTAINER)
    first = make.make_layout_submission(team.platform, who, layout=make.LINUX)
    make.make_guest(team.platform, name="sles", family="suse-xenlinux", release="2.6.32", role="domU", needs=["WC"])
    make.execute(first.run)
    waiver = proposed(team, first, by=who, last=SOON, day=today())
    decide_waiver(waiver, accept=True, by=team.maintainer)
    vote(first.revision, "block", by=team.reviewer)
    said = say(first.revision, "Which GPU?", by=who, asks=True)
    reply(said.thread, "That one.", by=team.reviewer)
    Submission.objects.update(is_stale=True)
    assert set(acts(who)) == {"Answer", "Mend", "Run again", "Look"}
    members = Membership.objects.filter(user=who.user)
    if gone == "left":
        members.delete()
    elif gone == "viewer":
        members.update(role=Role.VIEWER)
    else:
        members.delete()
        User.objects.filter(pk=who.user.pk).update(is_active=False)
    assert queue(who) == []
    assert who.name not in {turn.name for turn in turns(review(first.revision), gate(first.revision))}
    if gone != "shut out":
        client.force_login(who.user)
        assert "Nothing waits for you." in client.get("/").text


SECRET = "nobody-else-reads-this"


def drafts(team):
    """Drafts of the reviewer: a thread of its own, one on an entry that others speak about, a reply."""
    submitted = team.submission()
    say(submitted.revision, SECRET, by=team.reviewer, draft=True, asks=True)
    say(submitted.revision, SECRET, by=team.reviewer, anchor="entry", key="PA6", draft=True)
    say(submitted.revision, SECRET, by=team.reviewer, anchor="guest", key="dom0", draft=True)
    thread = say(submitted.revision, "Open words.", by=team.maintainer, anchor="guest", key="dom0", asks=True).thread
    reply(thread, SECRET, by=team.reviewer, draft=True)
    return submitted, thread


@pytest.mark.parametrize("role", ["viewer", "submitter", "maintainer", "admin"])
def test_a_draft_is_its_authors_alone(team, client, role):
    submitted, thread = drafts(team)
    who = getattr(team, role, None)
    if role == "admin":
        admin = User.objects.create_superuser("root", password=make.PASSWORD)
        Membership.objects.create(project=team.project, user=admin, role=Role.MAINTAINER)
    client.force_login(who.user if who else admin)
    page, rest = f"/s/{submitted.submission.pk}/", f"/api/v1/submissions/{submitted.submission.pk}"
    for path in (page, f"{page}r1/", "/", f"/p/{team.project.slug}/", rest, f"{rest}/threads", f"{rest}/gate"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert SECRET not in answer.text, path
    shown = client.get(page).text
    assert 'Discussion <span class="count">1</span>' in shown, "the thread that others speak in, and no other"
    told = client.get(f"{rest}/threads").json()["results"]
    assert [(one["id"], len(one["comments"]), one["state"]) for one in told] == [(thread.pk, 1, "open")]


@pytest.mark.parametrize("role", ["viewer", "submitter", "maintainer"])
def test_what_belongs_to_a_draft_is_not_there_for_others(team, client, role):
    submitted, _ = drafts(team)
    client.force_login(getattr(team, role).user)
    page = f"/s/{submitted.submission.pk}"
    for said in Comment.objects.filter(is_draft=True):
        acts_on = [f"{page}/comments/{said.pk}/{act}/" for act in ("edit", "discard", "hide")]
        assert [client.post(path, {"body": "x"}).status_code for path in acts_on] == [404] * 3
        rest = f"/api/v1/comments/{said.pk}"
        assert client.patch(rest, '{"body": "x"}', content_type="application/json").status_code == 404
        assert client.put(f"{rest}/hiding").status_code == 404
    for thread in Thread.objects.exclude(comments__is_draft=False):
        forms = [f"{page}/threads/{thread.pk}/{act}/" for act in ("reply", "resolve", "reopen")]
        sent = {"body": "x", "resolution": "fixed"}
        assert [client.post(path, sent).status_code for path in forms] == [404] * 3
        rest = f"/api/v1/threads/{thread.pk}"
        assert client.post(f"{rest}/comments", '{"body": "x"}', content_type="application/json").status_code == 404
        assert client.delete(f"{rest}/resolution").status_code == 404


def test_no_letter_holds_a_draft(team):
    """Whatever happens around it, and whoever hears of all that happens."""
    User.objects.update(email="somebody@example.org")
    Membership.objects.update(mail=Membership.Mail.ALL)
    submitted, thread = drafts(team)
    resolve(thread, "answered", by=team.submitter)
    say(submitted.revision, "Seen.", by=team.submitter, anchor="entry", key="PA6")
    revised(team, submitted)
    acts_of = [act for act in map(act_of, Entry.objects.all()) if act]
    letters = [letter(act, to).message().as_string() for act in acts_of for to in audience(act)]
    assert len(letters) > 5
    assert not [text for text in letters if SECRET in text]


def test_drafts_move_nothing_until_they_are_published(team):
    submitted = team.submission()
    thread = say(submitted.revision, "Which GPU?", by=team.maintainer, asks=True).thread
    reply(thread, "A draft.", by=team.submitter, draft=True)
    assert acts(team.submitter) == ["Answer"], "a draft is no answer yet"
    say(submitted.revision, "And?", by=team.reviewer, asks=True, draft=True)
    assert review(submitted.revision).open_threads == 1
    publish(submitted.submission, by=team.reviewer)
    assert review(submitted.revision).open_threads == 2
    publish(submitted.submission, by=team.submitter)
    assert acts(team.submitter) == ["Answer"], "the reviewer's is not answered"


def test_a_vote_publishes_the_drafts_of_its_voter_alone(team):
    submitted = team.submission()
    for who in (team.reviewer, team.submitter):
        say(submitted.revision, f"by {who.name}", by=who, draft=True)
    vote(submitted.revision, "comment", by=team.reviewer)
    assert list(Comment.objects.filter(is_draft=False).values_list("author", flat=True)) == [team.reviewer.user.pk]
