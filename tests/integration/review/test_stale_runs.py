"""What changed under a run that was completed: who notices, and what is queued again."""

import pytest

from patreview.analyses import runner
from patreview.analyses.models import Run
from patreview.analyses.staleness import BATCH, look_at, sweep
from patreview.projects.models import Project
from patreview.reviews.services import reopen, withdraw
from patreview.submissions.models import Submission
from tests import make
from tests.integration.review.scenes import OTHER, adopted, revised, status


def sweep_all():
    while sweep():
        pass


def attempts(submission):
    runs = Run.objects.filter(revision__submission=submission)
    return list(runs.order_by("revision__number", "attempt").values_list("revision__number", "attempt", "state"))


def test_a_guest_in_service_queues_what_is_open(team):
    one, two = team.submission(), team.submission(layout=OTHER)
    make.make_guest(team.platform, name="came later")
    sweep_all()
    for submitted in (one, two):
        assert attempts(submitted.submission) == [(1, 1, "completed"), (1, 2, "queued")]
        assert status(submitted.revision, "run_completed") == "pending"
    sweep_all()
    assert Run.objects.filter(state="queued").count() == 2


@pytest.mark.parametrize("state", ["adopted", "withdrawn", "superseded"])
def test_what_is_closed_keeps_its_report(team, state):
    submitted = team.submission()
    if state == "withdrawn":
        withdraw(submitted.submission, by=team.submitter)
    else:
        adopted(team, submitted)
    if state == "superseded":
        adopted(team, team.submission(layout=OTHER))
    make.make_guest(team.platform, name="came later")
    sweep_all()
    look_at(submitted.run.pk)
    assert attempts(submitted.submission) == [(1, 1, "completed")]
    assert Submission.objects.get(pk=submitted.submission.pk).state == state


def test_what_was_changed_while_it_was_closed_is_not_adopted(team):
    submitted = team.submission()
    withdraw(submitted.submission, by=team.submitter)
    make.make_guest(team.platform, name="came later")
    sweep_all()
    reopen(submitted.submission, by=team.submitter)
    assert status(submitted.revision, "report_current") == "unsatisfied"


def test_only_the_current_revision_is_run_again(team):
    first = team.submission()
    revised(team, first)
    make.make_guest(team.platform, name="came later")
    sweep_all()
    look_at(first.run.pk)
    assert attempts(first.submission) == [(1, 1, "completed"), (2, 1, "completed"), (2, 2, "queued")]


def test_no_project_waits_for_the_runs_of_another(team):
    """In the first a run is under way; the second is looked through all the same."""
    busy = make.make_layout_submission(team.platform, team.submitter)
    assert runner.claim_run(busy.run.pk)
    other = make.make_project()
    platform = make.make_platform(other)
    waiting = make.make_layout_submission(platform, make.make_member(other))
    make.execute(waiting.run)
    make.make_guest(team.platform, name="came later")
    make.make_guest(platform, name="came later")
    sweep_all()
    assert attempts(waiting.submission) == [(1, 1, "completed"), (1, 2, "queued")]
    moved = {one.pk for one in Project.objects.all() if one.swept_version != one.catalogue_version}
    assert moved == {team.project.pk}, "what is under way is looked at when it is done"


def test_a_sweep_looks_at_so_many_and_comes_again(team):
    for _ in range(BATCH + 1):
        team.submission()
    make.make_guest(team.platform, name="came later")
    assert sweep()
    assert Run.objects.filter(state="queued").count() == BATCH
    sweep_all()
    assert Run.objects.filter(state="queued").count() == BATCH + 1


def test_another_engine_is_marked_and_left_to_people(team):
    submitted = team.submission()
    Run.objects.update(engine_version="0.0")
    Project.objects.update(swept_rules="")
    sweep_all()
    submitted.run.refresh_from_db()
    submitted.submission.refresh_from_db()
    assert (submitted.run.stale_reasons, submitted.submission.is_stale) == (["engine"], True)
    assert attempts(submitted.submission) == [(1, 1, "completed")]
    assert status(submitted.revision, "report_current") == "unsatisfied"
