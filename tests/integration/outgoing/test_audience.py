"""Who hears of what: each act, for each kind of person."""

import pytest

from patreview.analyses import runner, staleness
from patreview.analyses.models import Run
from patreview.analyses.services import request_run
from patreview.reviews.discussion import hide, publish, reopen_thread, reply, resolve, say
from patreview.reviews.models import Thread
from patreview.reviews.queries import today
from patreview.reviews.services import adopt, dismiss_vote, reopen, retitle, vote, withdraw, withdraw_vote
from patreview.reviews.waivers import decide_waiver, propose_waiver, revoke_waiver
from tests import make
from tests.integration.outgoing.conftest import Town, body_of, choose, deliver

TURN = {"reviewer": "turn", "maintainer": "turn"}


def created(town, submitted):
    make.make_layout_submission(town.team.platform, town.owner)


def revised(town, submitted):
    make.make_layout_submission(town.team.platform, town.owner, make.XEN, submission=submitted.submission)


def judged(town, submitted):
    revision = make.make_layout_submission(
        town.team.platform, town.owner, make.HARMLESS, submission=submitted.submission
    )
    deliver()
    make.execute(revision.run)


def failed(town, submitted):
    run = request_run(submitted.revision, by=town.owner)
    claim = runner.claim_run(run.pk)
    assert claim is not None
    runner.finish(claim, Run.State.FAILED, "engine_error", "The engine stopped.")


def asked_by_a_person(town, submitted):
    request_run(submitted.revision, by=town.owner)


def judged_again(town, submitted):
    make.make_guest(town.team.platform, name="another")
    while staleness.sweep():
        pass


def approved(town, submitted):
    vote(submitted.revision, "approve", by=town.reviewer, body="Fine.")


def vote_withdrawn(town, submitted):
    withdraw_vote(submitted.revision.votes.get(voter=town.voter.user), by=town.voter)


def vote_dismissed(town, submitted):
    block = vote(submitted.revision, "block", by=town.voter)
    deliver()
    dismiss_vote(block, "It was about another platform.", by=town.maintainer)


def thread_of(submitted):
    return Thread.objects.get(submission=submitted.submission, key="PA1")


def replied(town, submitted):
    reply(thread_of(submitted), "It is WC.", by=town.helper)


def said_elsewhere(town, submitted):
    say(submitted.revision, "And PA5?", by=town.helper, anchor="entry", key="PA5")


def published(town, submitted):
    reply(thread_of(submitted), "It is WC.", by=town.helper, draft=True)
    say(submitted.revision, "All in all, good.", by=town.helper, draft=True)
    publish(submitted.submission, by=town.helper)


def resolved(town, submitted):
    reply(thread_of(submitted), "Please say.", by=town.speaker, asks=True)
    deliver()
    resolve(thread_of(submitted), "answered", by=town.owner)


def reopened_thread(town, submitted):
    resolved(town, submitted)
    deliver()
    reopen_thread(thread_of(submitted), by=town.reviewer)


def waiver(town, submitted):
    finding = submitted.run.findings.get(rule="XEN010")
    day = today().isoformat()
    return propose_waiver(submitted.revision, finding.fingerprint, reason="Soon.", expires_on=day, by=town.helper)


def accepted(town, submitted):
    proposed = waiver(town, submitted)
    deliver()
    return decide_waiver(proposed, accept=True, by=town.maintainer)


def rejected(town, submitted):
    proposed = waiver(town, submitted)
    deliver()
    decide_waiver(proposed, accept=False, by=town.maintainer)


def revoked(town, submitted):
    given = accepted(town, submitted)
    deliver()
    revoke_waiver(given, "Mended.", by=town.maintainer)


def adopted(town, submitted):
    approved(town, submitted)
    deliver()
    adopt(submitted.revision, by=town.maintainer, digest=submitted.revision.digest)


def withdrawn(town, submitted):
    withdraw(submitted.submission, by=town.maintainer, reason="Not now.")


def opened_again(town, submitted):
    withdrawn(town, submitted)
    deliver()
    reopen(submitted.submission, by=town.owner)


ACTS = [
    (created, "submission.created", {}),
    (revised, "submission.revised", {"voter": "voter", "speaker": "thread"}),
    (judged, "run.completed", {"owner": "owner", "voter": "turn", **TURN}),
    (failed, "run.failed", {"owner": "turn", "voter": "voter"}),
    (asked_by_a_person, None, {}),
    (judged_again, "run.requested", {"owner": "owner", "voter": "voter"}),
    (approved, "vote.cast", {"owner": "owner", "voter": "voter", "maintainer": "turn"}),
    (vote_withdrawn, "vote.withdrawn", {"owner": "owner", **TURN}),
    (vote_dismissed, "vote.dismissed", {"owner": "owner", "voter": "turn", "reviewer": "turn"}),
    (replied, "comment.added", {"owner": "owner", "speaker": "thread", "voter": "voter", **TURN}),
    (said_elsewhere, "comment.added", {"owner": "owner", "voter": "voter", **TURN}),
    (published, "comment.added", {"owner": "owner", "speaker": "thread", "voter": "voter", **TURN}),
    (resolved, "thread.resolved", {"speaker": "thread", "voter": "voter", **TURN}),
    (
        reopened_thread,
        "thread.reopened",
        {"owner": "turn", "speaker": "thread", "voter": "voter", "maintainer": "turn"},
    ),
    (waiver, "waiver.proposed", {"owner": "owner", "voter": "voter", **TURN}),
    (accepted, "waiver.accepted", {"owner": "owner", "helper": "waiver", "voter": "voter", "reviewer": "turn"}),
    (rejected, "waiver.rejected", {"owner": "owner", "helper": "waiver", "voter": "voter", "reviewer": "turn"}),
    (revoked, "waiver.revoked", {"owner": "owner", "helper": "waiver", "voter": "voter", "reviewer": "turn"}),
    (adopted, "submission.adopted", {"owner": "owner", "reviewer": "voter", "voter": "voter", "speaker": "thread"}),
    (withdrawn, "submission.withdrawn", {"owner": "owner", "voter": "voter", "speaker": "thread"}),
    (opened_again, "submission.reopened", {"speaker": "thread", "voter": "voter", **TURN}),
]


@pytest.mark.parametrize(("act", "action", "expected"), ACTS, ids=lambda one: getattr(one, "__name__", ""))
def test_who_hears_of_it_by_default(town: Town, act, action, expected):
    submitted = town.submit()
    act(town, submitted)
    letters = deliver()
    assert town.addressees(letters) == expected
    assert {one.extra_headers["X-Patreview-Event"] for one in letters} == ({action} if letters else set())


@pytest.mark.parametrize(("act", "action", "expected"), ACTS, ids=lambda one: getattr(one, "__name__", ""))
def test_who_wants_all_hears_of_all_and_who_wants_none_of_nothing(town: Town, act, action, expected):
    choose(town.viewer, "all")
    choose(town.owner, "none")
    choose(town.reviewer, "none")
    submitted = town.submit()
    act(town, submitted)
    heard = {name: why for name, why in expected.items() if name not in ("owner", "reviewer")}
    assert town.addressees(deliver()) == (heard | {"viewer": "all"} if action else {})


def test_what_is_no_review_is_not_mailed(town: Town):
    submitted = town.submit()
    retitle(submitted.submission, "Another title", by=town.owner)
    make.make_member(town.team.project)
    assert deliver() == []


def test_no_address_no_mail(town: Town):
    town.owner.user.email = ""
    town.owner.user.save()
    submitted = town.submit()
    replied(town, submitted)
    assert "owner" not in town.addressees(deliver())


def test_drafts_are_nobodys_news_and_hidden_comments_neither(town: Town):
    submitted = town.submit()
    say(submitted.revision, "Not yet.", by=town.helper, draft=True)
    assert deliver() == []
    hide(say(submitted.revision, "Rude.", by=town.helper), by=town.maintainer)
    assert deliver() == []
    say(submitted.revision, "Kind.", by=town.helper)
    assert deliver()


def test_a_vote_takes_its_comments_along(town: Town):
    submitted = town.submit()
    say(submitted.revision, "PA5 is odd.", by=town.reviewer, anchor="entry", key="PA5", draft=True)
    hidden = say(submitted.revision, "Rude.", by=town.reviewer, draft=True)
    vote(submitted.revision, "nits", by=town.reviewer, body="Fine, mostly.")
    hide(hidden, by=town.maintainer)
    bodies = [body_of(one) for one in deliver()]
    assert all("> Fine, mostly." in one and "On PA5:\n\n> PA5 is odd." in one and "Rude" not in one for one in bodies)


def test_a_person_with_the_name_of_the_engine_hears_of_runs(town: Town):
    town.owner.user.username = "engine"
    town.owner.user.save()
    submitted = town.submit()
    judged(town, submitted)
    assert town.addressees(deliver())["owner"] == "owner"


def test_nobodys_turn_by_a_run_of_an_earlier_revision(town: Town):
    submitted = town.submit()
    again = request_run(submitted.revision, by=town.owner)
    revised(town, submitted)
    deliver()
    make.execute(again)
    assert town.addressees(deliver()) == {"owner": "owner", "voter": "voter"}
