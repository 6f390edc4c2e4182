"""What an entry of the journal says about a submission, with the rows that it names, as far as members may read."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from patreview.accounts.models import User
from patreview.analyses.models import Run
from patreview.analyses.queries import last_run, report_of
from patreview.journal.models import Entry
from patreview.journal.subjects import read_submission
from patreview.reviews.gate import Gate, Review, conclude, review_of
from patreview.reviews.models import Comment, Thread, Vote, Waiver
from patreview.submissions.models import Revision, Submission

_BY_THE_SERVICE = frozenset({"run.completed", "run.failed", "run.timed_out", "run.requested"})
MAILED = frozenset(
    {
        "submission.created", "submission.revised", "submission.adopted", "submission.withdrawn", "submission.reopened",
        "vote.cast", "vote.withdrawn", "vote.dismissed",
        "comment.added", "thread.resolved", "thread.reopened",
        "waiver.proposed", "waiver.accepted", "waiver.rejected", "waiver.revoked",
    }
    | _BY_THE_SERVICE
)  # fmt: skip


@dataclass(frozen=True)
class Act:
    """What happened to a submission. `revision` and `run` are the ones that it happened to, where it names any."""

    entry: Entry
    submission: Submission
    revision: Revision | None
    run: Run | None

    @property
    def action(self) -> str:
        return str(self.entry.action)

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.entry.data
        return data

    @property
    def by_the_service(self) -> bool:
        """Whether no person did it: a person may bear the name that the journal has for the engine."""
        return self.action in _BY_THE_SERVICE

    @property
    def actor(self) -> str:
        return "patreview" if self.by_the_service else str(self.entry.actor)

    @cached_property
    def actor_id(self) -> int | None:
        if self.by_the_service:
            return None
        return User.objects.filter(username=self.entry.actor).values_list("pk", flat=True).first()

    @cached_property
    def comments(self) -> list[Comment]:
        """The published ones that nobody took from the page."""
        named = [self.data["comment"]] if "comment" in self.data else self.data.get("comments", [])
        found = Comment.objects.filter(pk__in=named, thread__submission=self.submission)
        return list(found.filter(is_draft=False, hidden_at=None).select_related("thread").order_by("pk"))

    @cached_property
    def thread(self) -> Thread | None:
        return Thread.objects.filter(pk=self.data.get("thread", 0), submission=self.submission).first()

    @cached_property
    def thread_ids(self) -> set[int]:
        """The threads that it is about."""
        named = {self.thread.pk} if self.thread else set()
        return named | {comment.thread_id for comment in self.comments}

    @cached_property
    def vote(self) -> Vote | None:
        return Vote.objects.filter(pk=self.data.get("vote", 0), revision__submission=self.submission).first()

    @cached_property
    def waiver(self) -> Waiver | None:
        return Waiver.objects.filter(pk=self.data.get("waiver", 0), submission=self.submission).first()

    @cached_property
    def report(self) -> dict[str, Any] | None:
        """What the run stored that it is about."""
        return report_of(self.run) if self.run and self.run.state == Run.State.COMPLETED else None

    @property
    def is_of_the_current_revision(self) -> bool:
        return self.revision is None or self.revision.pk == self.submission.current_id

    @cached_property
    def review(self) -> Review | None:
        """What is held for and against the current revision now."""
        current = self.submission.current
        if current is None:
            return None
        current.submission = self.submission
        run = last_run(current)
        return review_of(current, run, report_of(run) if run else None)

    @cached_property
    def gate(self) -> Gate | None:
        return conclude(self.review) if self.review else None

    @property
    def has_nothing_left(self) -> bool:
        """Whether it is about comments of which none may be read any more."""
        return self.action == "comment.added" and not self.comments


def act_of(entry: Entry) -> Act | None:
    """What an entry says, when it is one that people hear of by mail."""
    place = read_submission(entry.object)
    if entry.action not in MAILED or place is None:
        return None
    related = ("project", "platform", "owner", "current")
    submission = (
        Submission.objects.select_related(*related).filter(pk=place.submission, project=entry.project_id).first()
    )
    if submission is None:
        return None
    revision = submission.revisions.select_related("created_by").filter(number=place.revision).first()
    attempt = place.attempt or (entry.data.get("attempt") if entry.action == "run.requested" else None)
    run = revision.runs.filter(attempt=attempt).first() if revision and attempt else None
    act = Act(entry, submission, revision, run)
    if act.by_the_service and (run is None or (entry.action == "run.requested" and run.requested_by_id)):
        return None  # who asks for a run knows of it
    return None if act.has_nothing_left else act
