"""Runs: claimed once at a time, completed once, never lost; each transition by the rows alone."""

from datetime import timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError as OperationalDatabaseError
from django.db.models.functions import Now
from django.utils import timezone
from kombu.exceptions import OperationalError

from patreview import engine
from patreview.analyses import dispatch, runner
from patreview.analyses.models import Finding, Report, Run
from patreview.analyses.queries import is_stale
from patreview.analyses.tasks import execute_run
from patreview.journal.models import Entry
from tests import make


@pytest.fixture
def queued(team):
    return make.make_layout_submission(team.platform, team.submitter).run


def test_a_run_is_computed_and_stored_whole(queued):
    run = make.execute(queued)
    assert (run.state, run.claims, run.fence) == (Run.State.COMPLETED, 1, 1)
    report = Report.objects.get(run=run)
    assert engine.digest("report", report.body.encode()) == report.digest == run.report_digest
    assert run.started_at <= run.finished_at
    submission = run.revision.submission
    assert (submission.verdict, submission.run_state) == (run.verdict, "completed")


def test_findings_are_rows_in_the_order_of_the_report(team):
    make.make_guest(team.platform, name="sles", family="suse-xenlinux", release="2.6.32", role="domU", needs=["WC"])
    run = make.execute(make.make_layout_submission(team.platform, team.submitter, layout=make.LINUX).run)
    rows = list(Finding.objects.filter(run=run).order_by("position"))
    assert run.verdict == rows[0].verdict == "incompatible"
    assert any(row.guests == ["sles"] and row.class_key for row in rows)


def test_a_repeated_hint_does_nothing(queued):
    make.execute(queued)
    runner.execute(queued.pk)
    queued.refresh_from_db()
    assert (queued.claims, Report.objects.count()) == (1, 1)


def test_an_unknown_id_does_nothing(db):
    runner.execute(999_999)


def test_the_same_input_gives_the_same_bytes(team):
    first = team.submission()
    second = team.submission(title="Once more")
    assert Report.objects.get(run=first.run).body == Report.objects.get(run=second.run).body


def test_a_stale_worker_cannot_complete(queued):
    stale = runner.claim_run(queued.pk)
    Run.objects.filter(pk=queued.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert dispatch.reap() == 1
    Run.objects.filter(pk=queued.pk).update(not_before=Now())
    later = runner.claim_run(queued.pk)
    outcome = runner.compute(queued)
    assert not runner.complete(stale, outcome)
    assert runner.complete(later, outcome)
    assert Report.objects.count() == 1


def test_an_expired_lease_goes_back_to_the_queue_with_a_delay(queued):
    runner.claim_run(queued.pk)
    Run.objects.filter(pk=queued.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    dispatch.reap()
    queued.refresh_from_db()
    assert queued.state == Run.State.QUEUED
    assert queued.sent_at is None
    assert queued.not_before > timezone.now() + timedelta(seconds=1)
    assert runner.claim_run(queued.pk) is None, "it is not due yet"


def test_a_live_lease_is_left_alone(queued):
    runner.claim_run(queued.pk)
    assert dispatch.reap() == 0


def test_three_lost_workers_fail_the_run(queued):
    runner.claim_run(queued.pk)
    Run.objects.filter(pk=queued.pk).update(claims=3, lease_until=timezone.now() - timedelta(seconds=1))
    dispatch.reap()
    queued.refresh_from_db()
    assert (queued.state, queued.reason_code) == (Run.State.FAILED, "worker_lost")
    assert queued.revision.submission.run_state == "failed"


@pytest.mark.parametrize(
    ("fault", "state", "code"),
    [
        pytest.param(ZeroDivisionError(), "failed", "engine_error", id="a defect of the engine"),
        pytest.param(SoftTimeLimitExceeded(), "timed_out", "time_limit", id="the soft time limit"),
    ],
)
def test_a_fault_ends_the_run_and_says_why(queued, monkeypatch, fault, state, code):
    def fail(scenario):
        raise fault

    monkeypatch.setattr(engine, "analyse", fail)
    run = make.execute(queued)
    assert (run.state, run.reason_code) == (state, code)
    assert run.reason_text
    assert not Report.objects.exists()


def test_any_other_fault_ends_the_run_too(queued, monkeypatch):
    def fail(scenario):
        raise OSError("no such thing")

    monkeypatch.setattr(engine, "analyse", fail)
    run = make.execute(queued)
    assert (run.state, run.reason_code) == ("failed", "engine_error")
    assert "OSError" in run.reason_text


def test_a_report_of_another_shape_is_a_defect_too(queued, monkeypatch):
    monkeypatch.setattr(engine, "analyse", lambda scenario: {"verdict": "compatible"})
    run = make.execute(queued)
    assert (run.state, run.reason_code) == ("failed", "engine_error")


def test_a_fault_of_the_database_leaves_the_lease(queued, monkeypatch):
    def fail(scenario):
        raise OperationalDatabaseError

    monkeypatch.setattr(engine, "analyse", fail)
    with pytest.raises(OperationalDatabaseError):
        runner.execute(queued.pk)
    queued.refresh_from_db()
    assert queued.state == "running"


def test_what_cannot_be_judged_says_so(queued):
    queued.revision.submission.platform.guests.update(facts={"name": "g", "facts": {"family": {"value": 5}}})
    run = make.execute(queued)
    assert (run.state, run.reason_code) == ("failed", "cannot_judge")


def test_the_reaper_leaves_a_run_that_was_completed_meanwhile(queued):
    claim = runner.claim_run(queued.pk)
    assert runner.complete(claim, runner.compute(queued))
    assert not runner.queue_again(claim)
    assert queued.revision.submission.project.submissions.get().run_state == "completed"


def test_out_of_memory_is_tried_three_times(queued, monkeypatch):
    def fail(scenario):
        raise MemoryError

    monkeypatch.setattr(engine, "analyse", fail)
    states = [make.execute(queued).state for _ in range(3)]
    assert states == ["queued", "queued", "failed"]
    assert queued.reason_code == "resource"


def test_finishing_a_lost_claim_changes_nothing(queued):
    claim = runner.claim_run(queued.pk)
    Run.objects.filter(pk=queued.pk).update(fence=5)
    assert not runner.finish(claim, Run.State.FAILED, "x", "x")
    queued.refresh_from_db()
    assert queued.state == Run.State.RUNNING


def test_the_window_limits_what_is_sent(team, settings, monkeypatch):
    sent = []
    monkeypatch.setattr(execute_run, "apply_async", lambda args, retry: sent.extend(args))
    settings.DISPATCH_WINDOW = 2
    runs = [make.make_layout_submission(team.platform, team.submitter, title=str(i)).run for i in range(3)]
    assert dispatch.fill_window() is True
    assert sent == [runs[0].pk, runs[1].pk]
    assert dispatch.fill_window() is True, "one waits for a place"
    assert len(sent) == 2
    make.execute(runs[0])
    dispatch.fill_window()
    assert sent[2:] == [runs[2].pk]
    make.execute(runs[1])
    make.execute(runs[2])
    assert dispatch.fill_window() is False


def test_an_absent_broker_loses_nothing(queued, monkeypatch):
    def refuse(args, retry):
        raise OperationalError("refused")

    monkeypatch.setattr(execute_run, "apply_async", refuse)
    assert dispatch.tick() is False
    queued.refresh_from_db()
    assert (queued.state, queued.sent_at) == ("queued", None)
    sent = []
    monkeypatch.setattr(execute_run, "apply_async", lambda args, retry: sent.extend(args))
    dispatch.tick()
    assert sent == [queued.pk]


def test_lost_hints_are_sent_again_when_no_worker_claims(queued):
    old = timezone.now() - timedelta(seconds=60)
    Run.objects.update(sent_at=old)
    assert dispatch.forget_lost_hints() == 1
    Run.objects.update(sent_at=timezone.now())
    assert dispatch.forget_lost_hints() == 0, "it was sent just now"


def test_hints_are_left_alone_while_workers_claim(team, queued):
    other = make.make_layout_submission(team.platform, team.submitter, title="other").run
    Run.objects.update(sent_at=timezone.now() - timedelta(seconds=30))
    runner.claim_run(other.pk)
    assert dispatch.forget_lost_hints() == 0
    Run.objects.update(sent_at=timezone.now() - timedelta(seconds=90))
    assert dispatch.forget_lost_hints() == 1, "but not for ever"


def test_a_run_is_stale_when_the_fleet_changed(team):
    run = team.submission().run
    run.refresh_from_db()
    assert not is_stale(run)
    make.make_guest(team.platform, name="one more", release="5.15")
    assert is_stale(run)


def test_a_run_is_stale_when_the_rules_changed(team):
    run = team.submission().run
    Run.objects.update(rules_digest="sha256:older")
    run.refresh_from_db()
    assert is_stale(run)


def test_the_same_content_is_run_again_when_the_fleet_changed(team):
    first = make.make_layout_submission(team.platform, team.submitter, external_key="ci")
    make.execute(first.run)
    assert make.make_layout_submission(team.platform, team.submitter, external_key="ci").run == first.run
    make.make_guest(team.platform, name="came later", release="5.15")
    again = make.make_layout_submission(team.platform, team.submitter, external_key="ci")
    assert (again.created, again.revision, again.run.attempt) == (False, first.revision, 2)
    assert (again.run.state, again.run.trigger) == ("queued", "resubmitted")


def test_the_same_content_is_run_again_when_the_last_run_has_no_report(team):
    first = make.make_layout_submission(team.platform, team.submitter, external_key="ci")
    assert make.make_layout_submission(team.platform, team.submitter, external_key="ci").run == first.run, "under way"
    Run.objects.update(state="failed", reason_code="engine_error")
    again = make.make_layout_submission(team.platform, team.submitter, external_key="ci")
    assert (again.created, again.run.attempt, make.execute(again.run).state) == (False, 2, "completed")
    assert Entry.objects.filter(action="run.requested").count() == 1


def test_facts_that_cannot_be_read_lead_to_a_run_that_says_so(team):
    first = make.make_layout_submission(team.platform, team.submitter, external_key="ci")
    make.execute(first.run)
    team.platform.guests.update(facts=[])
    again = make.make_layout_submission(team.platform, team.submitter, external_key="ci").run
    assert (again.attempt, make.execute(again).state) == (2, "failed")


def test_a_guest_is_judged_on_every_platform(team):
    make.make_platform(team.project, name="qubes", layout=make.LINUX)
    submitted = make.make_guest_submission(team.project, team.submitter)
    make.execute(submitted.run)
    report = engine.analyse(runner.scenario_of(submitted.revision))
    assert [platform["name"] for platform in report["platforms"]] == ["qubes", "xen-4.17"]


@pytest.mark.django_db(transaction=True)
def test_the_task_executes_the_run_it_names():
    project = make.make_project()
    platform = make.make_platform(project)
    run = make.make_layout_submission(platform, make.make_member(project)).run
    execute_run(run.pk)
    run.refresh_from_db()
    assert run.state == Run.State.COMPLETED


def test_the_task_belongs_to_our_application():
    from patreview.celery import app

    assert execute_run.app is app
    assert app.conf.broker_url != "amqp://"


def test_a_project_without_a_platform_has_nothing_to_judge_by(db):
    project = make.make_project()
    with pytest.raises(engine.InvalidInput, match="no platform"):
        make.make_guest_submission(project, make.make_member(project))
