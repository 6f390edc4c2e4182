"""Each condition in each status that it has, and what cannot be computed: it blocks in both doors."""

import json

import pytest

from patreview.analyses import runner
from patreview.analyses.models import Report, Run
from patreview.analyses.services import cancel_run, request_run
from patreview.projects.models import Project
from patreview.reviews.discussion import resolve, say
from patreview.reviews.gate import CONDITIONS
from patreview.reviews.models import Vote, Waiver
from patreview.reviews.services import adopt, vote, withdraw
from patreview.submissions.models import Submission
from tests import make
from tests.conftest import lifted
from tests.integration.review.scenes import (
    OTHER,
    conditional,
    gate,
    harmful,
    outcome,
    revised,
    status,
    undecided,
    waived,
)


def queued(team):
    return make.make_layout_submission(team.platform, team.submitter)


def running(team):
    submitted = queued(team)
    assert runner.claim_run(submitted.run.pk)
    return submitted


def failed(team):
    submitted = queued(team)
    runner.finish(runner.claim_run(submitted.run.pk), Run.State.FAILED, "worker_lost", "Its worker was lost.")
    return submitted


def timed_out(team):
    submitted = queued(team)
    runner.finish(runner.claim_run(submitted.run.pk), Run.State.TIMED_OUT, "time_limit", "It took too long.")
    return submitted


def cancelled(team):
    submitted = team.submission()
    cancel_run(request_run(submitted.revision, by=team.submitter, reason="Again."), by=team.submitter)
    return submitted


def of_an_unknown_state(team):
    submitted = team.submission()
    Run.objects.update(state="odd")
    return submitted


def harmless(team):
    return team.submission()


def stale(team):
    submitted = team.submission()
    make.make_guest(team.platform, name="came later")
    return submitted


def withdrawn(team):
    submitted = team.submission()
    withdraw(submitted.submission, by=team.submitter)
    return submitted


def without_rules(team):
    submitted = team.submission()
    change_report(lambda report: report["coverage"].update(ran=[]))
    return submitted


def acknowledged(team):
    submitted = conditional(team)
    vote(submitted.revision, "approve", by=team.reviewer)
    return submitted


def approved(team):
    submitted = team.submission()
    vote(submitted.revision, "nits", by=team.reviewer)
    return submitted


def commented(team):
    submitted = team.submission()
    vote(submitted.revision, "comment", by=team.reviewer)
    return submitted


def outdated(team):
    first = team.submission()
    vote(first.revision, "approve", by=team.reviewer)
    return revised(team, first, OTHER)


def blocked(team):
    submitted = team.submission()
    vote(submitted.revision, "block", by=team.reviewer)
    return submitted


def changes(team):
    submitted = team.submission()
    vote(submitted.revision, "request_changes", by=team.reviewer)
    return submitted


def asked(team):
    submitted = team.submission()
    say(submitted.revision, "Which GPU?", by=team.reviewer, asks=True)
    return submitted


def answered(team):
    submitted = team.submission()
    said = say(submitted.revision, "Which GPU?", by=team.reviewer, asks=True)
    resolve(said.thread, "answered", by=team.submitter)
    return submitted


def remarked(team):
    submitted = team.submission()
    say(submitted.revision, "Nice.", by=team.reviewer)
    return submitted


def wanted(team):
    """Somebody asks for something in a draft: nobody else knows yet."""
    submitted = team.submission()
    say(submitted.revision, "Which GPU?", by=team.reviewer, asks=True, draft=True)
    return submitted


TABLE = [
    ("run_completed", queued, "pending"),
    ("run_completed", running, "pending"),
    ("run_completed", harmless, "satisfied"),
    ("run_completed", failed, "unsatisfied"),
    ("run_completed", timed_out, "unsatisfied"),
    ("run_completed", cancelled, "unsatisfied"),
    ("run_completed", of_an_unknown_state, "unsatisfied"),
    ("report_current", queued, "pending"),
    ("report_current", failed, "pending"),
    ("report_current", harmless, "satisfied"),
    ("report_current", stale, "unsatisfied"),
    ("report_current", withdrawn, "not_applicable"),
    ("coverage_complete", queued, "pending"),
    ("coverage_complete", harmless, "satisfied"),
    ("coverage_complete", undecided, "unsatisfied"),
    ("coverage_complete", without_rules, "unsatisfied"),
    ("no_incompatible", queued, "pending"),
    ("no_incompatible", harmless, "satisfied"),
    ("no_incompatible", harmful, "unsatisfied"),
    ("nothing_indeterminate", queued, "pending"),
    ("nothing_indeterminate", harmless, "satisfied"),
    ("nothing_indeterminate", undecided, "unsatisfied"),
    ("conditionals_acknowledged", queued, "pending"),
    ("conditionals_acknowledged", harmless, "not_applicable"),
    ("conditionals_acknowledged", conditional, "pending"),
    ("conditionals_acknowledged", acknowledged, "satisfied"),
    ("no_regression", queued, "pending"),
    ("no_regression", harmless, "satisfied"),
    ("no_regression", harmful, "unsatisfied"),
    ("no_regression", conditional, "not_applicable"),
    ("approvals", queued, "pending"),
    ("approvals", harmless, "pending"),
    ("approvals", commented, "pending"),
    ("approvals", outdated, "pending"),
    ("approvals", approved, "satisfied"),
    ("no_objection", harmless, "satisfied"),
    ("no_objection", approved, "satisfied"),
    ("no_objection", changes, "unsatisfied"),
    ("no_objection", blocked, "unsatisfied"),
    ("threads_resolved", harmless, "satisfied"),
    ("threads_resolved", remarked, "satisfied"),
    ("threads_resolved", wanted, "satisfied"),
    ("threads_resolved", asked, "unsatisfied"),
    ("threads_resolved", answered, "satisfied"),
]


@pytest.mark.parametrize(("key", "scene", "expected"), TABLE)
def test_a_condition(team, key, scene, expected):
    revision = scene(team).revision
    assert status(revision, key) == expected
    concluded = gate(revision)
    scope = next(row.scope for row in CONDITIONS if row.key == key)
    ready = ("satisfied", "satisfied_with_warnings")
    if expected in ("pending", "unsatisfied"):
        assert concluded.adopt not in ready
        assert scope == "adopt" or concluded.check not in ready
        assert outcome(adopt, revision, by=team.maintainer, digest=revision.digest) in ("gate", "not_open")


def test_every_condition_is_in_the_table():
    assert {key for key, _, _ in TABLE} == {row.key for row in CONDITIONS} == {key for key, _ in BROKEN} | UNBREAKABLE


def change_report(change):
    """Spoil the stored report, as no code of ours does."""
    stored = Report.objects.get()
    report = json.loads(stored.body)
    change(report)
    with lifted():
        Report.objects.filter(pk=stored.pk).update(body=json.dumps(report))


def _stale_and_unreadable(team):
    submitted = approved(team)
    make.make_guest(team.platform, name="came later")
    with lifted():
        Report.objects.update(scenario="{")
    return submitted


def _report_without(name):
    def scene(team):
        submitted = approved(team)
        change_report(lambda report: report.pop(name))
        return submitted

    return scene


def _odd_findings(team):
    submitted = approved(team)
    change_report(lambda report: [one.pop("verdict") for one in report["findings"]])
    return submitted


def _odd_class(team):
    submitted = approved(team)
    change_report(lambda report: [one.pop("change") for one in report["classes"]])
    return submitted


def _odd_waiver(team):
    submitted = harmful(team)
    vote(submitted.revision, "approve", by=team.reviewer)
    waived(team, submitted, last="2026-03-31")
    Waiver.objects.update(guests=5, expires_on="2999-01-01")
    return submitted


def _odd_acknowledgement(team):
    submitted = acknowledged(team)
    Vote.objects.update(acknowledges=5)
    return submitted


def _odd_vote(team):
    submitted = approved(team)
    Vote.objects.update(value="odd")
    return submitted


#: Which condition is an error where what is stored was spoilt. The others need nothing that can be.
UNBREAKABLE = {"run_completed", "threads_resolved"}
BROKEN = [
    ("report_current", _stale_and_unreadable),
    ("coverage_complete", _report_without("coverage")),
    ("no_incompatible", _odd_waiver),
    ("no_incompatible", _odd_findings),
    ("no_incompatible", _report_without("findings")),
    ("nothing_indeterminate", _odd_findings),
    ("conditionals_acknowledged", _odd_acknowledgement),
    ("conditionals_acknowledged", _odd_findings),
    ("no_regression", _odd_class),
    ("no_regression", _report_without("classes")),
    ("approvals", _odd_vote),
    ("approvals", _odd_waiver),
    ("no_objection", _odd_vote),
]


@pytest.mark.parametrize(("key", "scene"), BROKEN)
def test_what_cannot_be_computed_blocks_in_both_doors(team, client, key, scene):
    submitted = scene(team)
    revision = submitted.revision
    assert status(revision, key) == "error"
    assert gate(revision).adopt == "blocked"
    assert outcome(adopt, revision, by=team.maintainer, digest=revision.digest) == "gate"

    client.force_login(team.maintainer.user)
    path = f"/api/v1/submissions/{submitted.submission.pk}"
    for address in (path, f"{path}/gate"):
        answer = client.get(address)
        assert answer.status_code == 200
        told = answer.json()["gate"] if address == path else answer.json()
        assert told["adopt"] == "blocked"
        assert [one["status"] for one in told["conditions"] if one["key"] == key] == ["error"]
    refused = client.post(f"{path}/adoption", headers={"If-Match": f'"{revision.digest}"'})
    assert (refused.status_code, refused.json()["code"]) == (409, "gate")

    client.raise_request_exception = False  # a page that draws a spoilt report may fail, but adopts nothing
    form = client.post(f"/s/{submitted.submission.pk}/adopt/", {"digest": revision.digest})
    assert form.status_code in (409, 500)
    assert Submission.objects.get(pk=submitted.submission.pk).state == "open"
    assert Project.objects.get(pk=team.project.pk).submissions.filter(state="adopted").count() == 0


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "5", '"text"', '{"findings": 5}', '{"findings": [5]}'])
def test_a_report_that_is_none_adopts_nothing(team, client, body):
    submitted = approved(team)
    with lifted():
        Report.objects.update(body=body)
    client.force_login(team.maintainer.user)
    client.raise_request_exception = False
    path = f"/api/v1/submissions/{submitted.submission.pk}/adoption"
    sent = {"If-Match": f'"{submitted.revision.digest}"'}
    assert client.post(path, headers=sent).status_code in (409, 500)
    client.post(f"/s/{submitted.submission.pk}/adopt/", {"digest": submitted.revision.digest})
    assert Submission.objects.get().state == "open"
