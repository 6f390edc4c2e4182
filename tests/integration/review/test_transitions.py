"""State x act -> outcome, for votes, threads, waivers, submissions and runs, as the services answer."""

from datetime import timedelta

import pytest

from patreview.analyses import runner
from patreview.analyses.models import Run
from patreview.analyses.services import cancel_run, request_run
from patreview.journal.models import Entry
from patreview.journal.services import first_broken
from patreview.reviews.discussion import discard, edit, hide, publish, reopen_thread, reply, resolve, say
from patreview.reviews.models import Comment, Thread, Vote, Waiver
from patreview.reviews.services import adopt, dismiss_vote, reopen, retitle, vote, withdraw, withdraw_vote
from patreview.reviews.waivers import decide_waiver, revoke_waiver
from patreview.submissions.models import Submission
from tests import make
from tests.integration.review.scenes import (
    DAY,
    OTHER,
    THIRD,
    adopted,
    harmful,
    outcome,
    proposed,
    revised,
    standing,
    waived,
)


def voted(team, state):
    """A vote of the reviewer in some state, and the current revision."""
    first = team.submission()
    value, _, more = state.partition(" ")
    cast = vote(first.revision, value, by=team.reviewer)
    if more == "withdrawn":
        withdraw_vote(cast, by=team.reviewer)
    if more == "dismissed":
        dismiss_vote(cast, "It was mended.", by=team.maintainer)
    if more in ("of before", "replaced"):
        current = revised(team, first).revision
        if more == "replaced":
            vote(current, "comment", by=team.reviewer)
        return Vote.objects.get(pk=cast.pk), current
    return Vote.objects.get(pk=cast.pk), first.revision


VOTES = {
    # state: (vote again, withdraw, dismiss, what it is worth before)
    "approve": ("ok", "ok", "no_objection", "active"),
    "nits": ("ok", "ok", "no_objection", "active"),
    "comment": ("ok", "ok", "no_objection", "active"),
    "request_changes": ("ok", "ok", "ok", "active"),
    "block": ("ok", "ok", "ok", "active"),
    "approve withdrawn": ("ok", "withdrawn", "no_objection", "withdrawn"),
    "block withdrawn": ("ok", "withdrawn", "no_objection", "withdrawn"),
    "block dismissed": ("ok", "ok", "dismissed", "dismissed"),
    "approve of before": ("ok", "ok", "no_objection", "outdated"),
    "comment of before": ("ok", "ok", "no_objection", "outdated"),
    "request_changes of before": ("ok", "ok", "ok", "stands"),
    "block of before": ("ok", "ok", "ok", "stands"),
    "block replaced": ("ok", "ok", "no_objection", "active"),
}


@pytest.mark.parametrize("state", VOTES)
@pytest.mark.parametrize("act", ["vote", "withdraw", "dismiss"])
def test_votes(team, state, act):
    cast, current = voted(team, state)
    *expected, worth = VOTES[state]
    assert standing(current)[team.reviewer.name] == worth
    before = Entry.objects.count()
    acts = {
        "vote": lambda: vote(current, "approve", by=team.reviewer),
        "withdraw": lambda: withdraw_vote(cast, by=team.reviewer),
        "dismiss": lambda: dismiss_vote(cast, "It was mended.", by=team.maintainer),
    }
    answer = outcome(acts[act])
    assert answer == expected[list(acts).index(act)]
    assert Entry.objects.count() - before == (answer == "ok")
    if answer == "ok" and "replaced" not in state:
        word = {"vote": "active", "withdraw": "withdrawn", "dismiss": "dismissed"}[act]
        assert standing(current)[team.reviewer.name] == word
    assert first_broken(team.project.pk) is None


def closed(team, state):
    """A submission in some state, with somebody's vote, and its revision."""
    first = team.submission()
    cast = vote(first.revision, "comment", by=team.reviewer)
    if state == "withdrawn":
        withdraw(first.submission, by=team.submitter)
    if state in ("adopted", "superseded"):
        adopted(team, first)
    if state == "superseded":
        adopted(team, team.submission(layout=OTHER))
    found = Submission.objects.get(pk=first.submission.pk)
    assert found.state == state
    return found, first.revision, cast


SUBMISSIONS = {
    "adopt": {"open": "gate", "adopted": "not_open", "withdrawn": "not_open", "superseded": "not_open"},
    "withdraw": {"open": "ok", "adopted": "not_open", "withdrawn": "not_open", "superseded": "not_open"},
    "reopen": {
        "open": "not_withdrawn", "adopted": "not_withdrawn", "withdrawn": "ok", "superseded": "not_withdrawn",
    },
    "retitle": {"open": "ok", "adopted": "not_open", "withdrawn": "not_open", "superseded": "not_open"},
    "revise": {"open": "ok", "adopted": "not_open", "withdrawn": "not_open", "superseded": "not_open"},
    "run": {"open": "ok", "adopted": "not_current", "withdrawn": "not_current", "superseded": "not_current"},
    "vote": {"open": "ok", "adopted": "not_open", "withdrawn": "not_open", "superseded": "not_open"},
    "withdraw vote": {"open": "ok", "adopted": "not_open", "withdrawn": "not_open", "superseded": "not_open"},
    "dismiss vote": {"open": "no_objection", "adopted": "not_open", "withdrawn": "not_open", "superseded": "not_open"},
    "say": {"open": "ok", "adopted": "ok", "withdrawn": "ok", "superseded": "ok"},
}  # fmt: skip


@pytest.mark.parametrize("state", ["open", "adopted", "withdrawn", "superseded"])
@pytest.mark.parametrize("act", SUBMISSIONS)
def test_submissions(team, state, act):
    found, revision, cast = closed(team, state)
    acts = {
        "adopt": lambda: adopt(revision, by=team.maintainer, digest=revision.digest),
        "withdraw": lambda: withdraw(found, by=team.submitter),
        "reopen": lambda: reopen(found, by=team.submitter),
        "retitle": lambda: retitle(found, "A better title", by=team.submitter),
        "revise": lambda: make.make_layout_submission(team.platform, team.submitter, layout=THIRD, submission=found),
        "run": lambda: request_run(revision, by=team.submitter, reason="Again."),
        "vote": lambda: vote(revision, "block", by=team.reviewer),
        "withdraw vote": lambda: withdraw_vote(cast, by=team.reviewer),
        "dismiss vote": lambda: dismiss_vote(cast, "Why not.", by=team.maintainer),
        "say": lambda: say(revision, "Words.", by=team.submitter),
    }
    assert outcome(acts[act]) == SUBMISSIONS[act][state]


RUNS = {
    # state: (ask for another, cancel, claim)
    "queued": ("run_under_way", "ok", True),
    "running": ("run_under_way", "ok", False),
    "completed": ("ok", "finished", False),
    "failed": ("ok", "finished", False),
    "timed_out": ("ok", "finished", False),
    "cancelled": ("ok", "finished", False),
}


def run_in(team, state):
    run = make.make_layout_submission(team.platform, team.submitter).run
    if state == "completed":
        make.execute(run)
    elif state == "cancelled":
        cancel_run(run, by=team.submitter)
    elif state != "queued":
        claim = runner.claim_run(run.pk)
        if state != "running":
            assert runner.finish(claim, state, "made_so", "It ended.")
    found = Run.objects.get(pk=run.pk)
    assert found.state == state
    return found


@pytest.mark.parametrize("state", RUNS)
@pytest.mark.parametrize("act", ["ask", "cancel", "claim"])
def test_runs(team, state, act):
    run = run_in(team, state)
    before = Run.objects.values().get(pk=run.pk)
    acts = {
        "ask": lambda: outcome(request_run, run.revision, by=team.submitter, reason="Again."),
        "cancel": lambda: outcome(cancel_run, run, by=team.submitter),
        "claim": lambda: runner.claim_run(run.pk) is not None,
    }
    answer = acts[act]()
    assert answer == RUNS[state][list(acts).index(act)]
    if state in ("completed", "failed", "timed_out", "cancelled"):
        assert Run.objects.values().get(pk=run.pk) == before, "what is finished never changes"
    if act == "ask" and answer == "ok":
        assert list(Run.objects.order_by("attempt").values_list("attempt", "state"))[1:] == [(2, "queued")]


@pytest.mark.parametrize("state", ["completed", "failed", "timed_out"])
def test_a_cancelled_run_keeps_nothing_of_what_a_worker_still_finds(team, state):
    run = make.make_layout_submission(team.platform, team.submitter).run
    claim = runner.claim_run(run.pk)
    computed = runner.compute(claim.run)
    cancel_run(run, by=team.maintainer)
    if state == "completed":
        assert not runner.complete(claim, computed)
    else:
        assert not runner.finish(claim, state, "late", "Late.")
    assert not runner.queue_again(claim)
    run.refresh_from_db()
    assert (run.state, run.verdict, hasattr(run, "report")) == ("cancelled", "", False)
    assert Submission.objects.get().run_state == "cancelled"


@pytest.mark.parametrize(
    ("who", "expected"), [("viewer", "role"), ("reviewer", "role"), ("outsider", "not_found"), ("maintainer", "ok")]
)
def test_who_stops_the_run_of_another(team, who, expected):
    run = make.make_layout_submission(team.platform, team.submitter).run
    assert outcome(cancel_run, run, by=getattr(team, who)) == expected


WAIVERS = {
    # state: (accept, reject, revoke by its proposer, propose another)
    "proposed": ("ok", "ok", "ok", "proposed"),
    "active": ("decided", "decided", "ok", "ok"),
    "rejected": ("decided", "decided", "closed", "ok"),
    "revoked": ("decided", "decided", "closed", "ok"),
    "withdrawn": ("decided", "decided", "closed", "ok"),
    "expired": ("decided", "decided", "ok", "ok"),
    "proposed too long ago": ("expired", "ok", "ok", "proposed"),
}


def waiver_in(team, submitted, state):
    waiver = proposed(team, submitted)
    if state in ("active", "revoked", "expired"):
        waiver = decide_waiver(waiver, accept=True, by=team.maintainer, day=DAY)
    if state == "rejected":
        waiver = decide_waiver(waiver, accept=False, by=team.maintainer, day=DAY)
    if state in ("revoked", "withdrawn"):
        waiver = revoke_waiver(waiver, "Mended.", by=team.maintainer)
    return waiver


@pytest.mark.parametrize("state", WAIVERS)
@pytest.mark.parametrize("act", ["accept", "reject", "revoke", "propose"])
def test_waivers(team, state, act):
    submitted = harmful(team)
    waiver = waiver_in(team, submitted, state)
    over = state in ("expired", "proposed too long ago")
    day = waiver.expires_on + timedelta(days=1) if over else DAY
    before = Entry.objects.count()
    acts = {
        "accept": lambda: decide_waiver(waiver, accept=True, by=team.maintainer, day=day),
        "reject": lambda: decide_waiver(waiver, accept=False, by=team.maintainer, day=day),
        "revoke": lambda: revoke_waiver(waiver, "Mended.", by=team.submitter),
        "propose": lambda: proposed(team, submitted, by=team.reviewer, last=day.isoformat(), day=day),
    }
    answer = outcome(acts[act])
    assert answer == WAIVERS[state][list(acts).index(act)]
    assert Entry.objects.count() - before == (answer == "ok")
    now = Waiver.objects.get(pk=waiver.pk)
    moved = {"accept": "active", "reject": "rejected", "revoke": "revoked", "propose": waiver.state}[act]
    assert now.state == (moved if answer == "ok" else waiver.state)


def test_a_day_is_never_extended(team):
    """More time is another proposal with another second person; what was accepted keeps its day."""
    submitted = harmful(team)
    first = waived(team, submitted)
    second = waived(team, submitted, by=team.reviewer, last="2026-05-01")
    first.refresh_from_db()
    assert (first.expires_on.isoformat(), second.expires_on.isoformat()) == ("2026-03-31", "2026-05-01")


THREADS = {
    # state: (resolve, reopen, reply, reply and ask), and the state after a reply that asks
    "note": ("not_open", "ok", "ok", "ok"),
    "open": ("ok", "open", "ok", "ok"),
    "resolved": ("not_open", "ok", "ok", "ok"),
}


@pytest.mark.parametrize("state", THREADS)
@pytest.mark.parametrize("act", ["resolve", "reopen", "reply", "ask"])
def test_threads(team, state, act):
    submitted = team.submission()
    thread = say(submitted.revision, "Which GPU?", by=team.reviewer, asks=state != "note").thread
    if state == "resolved":
        resolve(thread, "fixed", by=team.submitter)
    before = Entry.objects.count()
    acts = {
        "resolve": lambda: resolve(thread, "answered", by=team.submitter),
        "reopen": lambda: reopen_thread(thread, by=team.reviewer),
        "reply": lambda: reply(thread, "That one.", by=team.submitter),
        "ask": lambda: reply(thread, "And that one?", by=team.submitter, asks=True),
    }
    answer = outcome(acts[act])
    assert answer == THREADS[state][list(acts).index(act)]
    assert Entry.objects.count() - before == (answer == "ok")
    moved = {"resolve": "resolved", "reopen": "open", "reply": state, "ask": "open"}[act]
    now = Thread.objects.get()
    assert now.state == (moved if answer == "ok" else state)
    assert (now.state == "resolved") == bool(now.resolution) == bool(now.resolved_by_id) == bool(now.resolved_at)


@pytest.mark.parametrize(
    ("who", "expected"),
    [("submitter", "ok"), ("reviewer", "ok"), ("maintainer", "ok"), ("viewer", "role"), ("outsider", "not_found")],
)
def test_who_resolves_what_a_reviewer_asked(team, who, expected):
    thread = say(team.submission().revision, "Which GPU?", by=team.reviewer, asks=True).thread
    assert outcome(resolve, thread, "answered", by=getattr(team, who)) == expected


def test_another_submitter_settles_only_what_they_opened(team):
    other, revision = make.make_member(team.project), team.submission().revision
    foreign = say(revision, "Which GPU?", by=team.reviewer, asks=True).thread
    own = say(revision, "Which CPU?", by=other, asks=True).thread
    assert (outcome(resolve, foreign, "fixed", by=other), outcome(resolve, own, "fixed", by=other)) == ("role", "ok")


COMMENTS = {
    # state: (edit by its author, edit by another, throw away, hide by a maintainer, publish)
    "draft": ("ok", "not_yours", "ok", "hidden", "ok"),
    "published": ("ok", "not_yours", "not_a_draft", "ok", "no_drafts"),
    "old": ("too_late", "not_yours", "not_a_draft", "ok", "no_drafts"),
    "hidden": ("too_late", "not_yours", "not_a_draft", "hidden", "no_drafts"),
}


@pytest.mark.parametrize("state", COMMENTS)
@pytest.mark.parametrize("act", ["edit", "edit of another", "discard", "hide", "publish"])
def test_comments(team, state, act):
    submitted = team.submission()
    said = say(submitted.revision, "Which GPU?", by=team.reviewer, draft=state == "draft")
    if state == "old":
        Comment.objects.update(at=said.at - timedelta(minutes=16))
    if state == "hidden":
        hide(said, by=team.maintainer)
    said.refresh_from_db()
    acts = {
        "edit": lambda: edit(said, "Which one?", by=team.reviewer),
        "edit of another": lambda: edit(said, "Mine now.", by=team.maintainer),
        "discard": lambda: discard(said, by=team.reviewer),
        "hide": lambda: hide(said, by=team.maintainer),
        "publish": lambda: publish(submitted.submission, by=team.reviewer),
    }
    answer = outcome(acts[act])
    assert answer == COMMENTS[state][list(acts).index(act)]
    if answer != "ok":
        assert Comment.objects.get().body == "Which GPU?"
