"""The journal: one entry an act, in the act's transaction."""

from django.db import transaction

from patreview.journal.chain import first_broken
from patreview.journal.models import Entry
from patreview.journal.queries import entries_about
from patreview.journal.services import record
from patreview.reviews.services import adopt, vote
from tests import make


def test_the_acts_of_a_review_are_written_down(team):
    submitted = team.submission()
    vote(submitted.revision, "approve", by=team.reviewer)
    adopt(submitted.revision, by=team.maintainer, digest=submitted.revision.digest)
    entries = Entry.objects.filter(project_id=team.project.pk).order_by("seq")
    assert [entry.action for entry in entries][-5:] == [
        "submission.created",
        "run.completed",
        "vote.cast",
        "layout.in_force",
        "submission.adopted",
    ]
    assert entries.last().actor == team.maintainer.name
    assert first_broken(team.project.pk) is None


def test_an_act_that_is_rolled_back_leaves_no_entry(team):
    before = Entry.objects.count()
    with transaction.atomic():
        record(team.project.pk, "x", "y", actor="z")
        transaction.set_rollback(True)
    assert Entry.objects.count() == before
    assert first_broken(team.project.pk) is None


def test_the_history_of_one_object(team):
    """The newest first; an object whose name begins alike is another."""
    record(team.project.pk, "platform.changed", "platform:xen-4.17", actor="z")
    record(team.project.pk, "platform.changed", "platform:xen-4.17.2", actor="z")
    found = entries_about(team.project.pk, "platform:xen-4.17", 10)
    assert [entry.action for entry in found] == ["platform.changed", "platform.added"]
    assert len(entries_about(team.project.pk, "platform:xen-4.17", 1)) == 1
    assert not entries_about(make.make_project().pk, "platform:xen-4.17", 10)
