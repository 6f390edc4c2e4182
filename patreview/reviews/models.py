"""What people say of a revision: votes, threads, waivers. The gate is computed from them, never stored."""

from datetime import date

from django.conf import settings
from django.db import models
from django.utils import timezone

from patreview.projects.models import Project
from patreview.submissions.models import Revision, Submission

PERSON = settings.AUTH_USER_MODEL


class Vote(models.Model):
    """A person's word on one revision. It binds to that revision; the journal keeps changes of mind."""

    class Value(models.TextChoices):
        APPROVE = "approve", "Approve"
        NITS = "nits", "Approve with nits"
        COMMENT = "comment", "Comment"
        REQUEST_CHANGES = "request_changes", "Request changes"
        BLOCK = "block", "Block"

        @property
        def meaning(self) -> str:
            return MEANINGS[self.value]

        @property
        def approves(self) -> bool:
            return self in {Vote.Value.APPROVE, Vote.Value.NITS}

        @property
        def opposes(self) -> bool:
            """Whether it stands over new revisions until its author votes again."""
            return self in {Vote.Value.REQUEST_CHANGES, Vote.Value.BLOCK}

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="votes")
    voter = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="votes")
    value = models.CharField(max_length=15, choices=Value)
    body = models.TextField(blank=True)
    # Fingerprints of the conditional findings whose assumption this approval accepts.
    acknowledges = models.JSONField(default=list)
    # Of the run that the voter had before them: a later revision with both alike carries an approval.
    proposal_digest = models.CharField(max_length=64, blank=True)
    verdict_digest = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True)
    dismissed_at = models.DateTimeField(null=True)
    dismissed_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, null=True, related_name="+")
    dismissal = models.CharField(max_length=500, blank=True, help_text="Why it was dismissed.")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["revision", "voter"], name="one_vote_a_person"),)

    def __str__(self) -> str:
        return f"{self.voter}: {self.value}"

    @property
    def choice(self) -> "Vote.Value":
        return Vote.Value(self.value)

    @property
    def label(self) -> str:
        return str(self.choice.label)


MEANINGS = {
    "approve": "Adopt it. I accept the assumptions that the report lists.",
    "nits": "Adopt it; I would mend small things that do not change the verdict.",
    "comment": "No position yet.",
    "request_changes": "Not like this: a new revision is needed. Stands until I vote again.",
    "block": "Must not be adopted in any revision until I withdraw this.",
}


class Thread(models.Model):
    """Comments about one thing of a submission. It goes along with the submission from revision to revision."""

    class Anchor(models.TextChoices):
        REVISION = "revision"
        FINDING = "finding"
        ENTRY = "entry"
        GUEST = "guest"

    class State(models.TextChoices):
        NOTE = "note", "Note"  # asks for nothing
        OPEN = "open", "Open"
        RESOLVED = "resolved", "Resolved"

    class Resolution(models.TextChoices):
        FIXED = "fixed", "Fixed"
        ANSWERED = "answered", "Answered"
        WONT_FIX = "wont_fix", "Won't fix"

    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="threads")
    anchor = models.CharField(max_length=8, choices=Anchor)
    # A finding's fingerprint, PA0 to PA7, a guest's name; "" for the revision.
    key = models.CharField(max_length=100, blank=True)
    label = models.CharField(max_length=300, blank=True, help_text="What it was about in words, when it was opened.")
    state = models.CharField(max_length=8, choices=State, default=State.NOTE)
    resolution = models.CharField(max_length=8, choices=Resolution, blank=True)
    opened_on = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="+")
    opened_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(default=timezone.now)
    resolved_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, null=True, related_name="+")
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            # One a finding, entry and guest: remarks on it stay together over all revisions.
            models.UniqueConstraint(
                fields=["submission", "anchor", "key"], name="one_thread_a_thing", condition=~models.Q(key="")
            ),
        )
        indexes = (models.Index(fields=["submission"], name="threads_open", condition=models.Q(state="open")),)

    def __str__(self) -> str:
        return f"{self.anchor} {self.key}: {self.state}"


class Comment(models.Model):
    """A remark in a thread, made while a certain revision was current. A draft is its author's alone."""

    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="comments")
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="comments")
    body = models.TextField()
    at = models.DateTimeField(default=timezone.now)
    is_draft = models.BooleanField(default=False)
    asks = models.BooleanField(default=False, help_text="Whether the thread is open from this comment on.")
    edited_at = models.DateTimeField(null=True)
    hidden_at = models.DateTimeField(null=True)
    hidden_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = (models.Index(fields=["author"], name="drafts_by_author", condition=models.Q(is_draft=True)),)

    def __str__(self) -> str:
        return f"{self.author}: {self.body[:50]}"


class Waiver(models.Model):
    """A finding that a team lives with until a day. It changes no verdict: the gate counts what is not waived."""

    class State(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        ACTIVE = "active", "Active"
        REJECTED = "rejected", "Rejected"
        REVOKED = "revoked", "Revoked"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="waivers")
    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="waivers")
    fingerprint = models.CharField(max_length=64)
    rule = models.CharField(max_length=6)
    title = models.CharField(max_length=300)
    # What was waived, so that nothing worse and nobody else hides behind it.
    verdict = models.CharField(max_length=13)
    guests = models.JSONField(default=list)
    reason = models.TextField()
    control = models.TextField(blank=True, help_text="What keeps the harm small meanwhile.")
    expires_on = models.DateField(help_text="The last day, in UTC.")
    state = models.CharField(max_length=8, choices=State, default=State.PROPOSED)
    proposed_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision = models.CharField(max_length=500, blank=True, help_text="Why it was accepted or rejected.")
    revoked_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)
    revocation = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["project", "fingerprint"],
                name="one_proposed_waiver_a_finding",
                condition=models.Q(state="proposed"),
            ),
            models.CheckConstraint(
                condition=models.Q(decided_by=None) | ~models.Q(decided_by=models.F("proposed_by")),
                name="a_waiver_takes_two",
            ),
        )
        indexes = (models.Index(fields=["project", "fingerprint"], name="waivers_by_finding"),)

    def __str__(self) -> str:
        return f"W-{self.pk} {self.rule}"

    @property
    def name(self) -> str:
        return f"W-{self.pk}"

    def is_active(self, today: date) -> bool:
        """Until its last day ends, in UTC."""
        return self.state == Waiver.State.ACTIVE and self.expires_on >= today

    def has_expired(self, today: date) -> bool:
        return self.state == Waiver.State.ACTIVE and self.expires_on < today
