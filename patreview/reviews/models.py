"""What people say of a revision: votes and comments. The gate is computed from them, never stored."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from patreview.submissions.models import Revision


class Vote(models.Model):
    """A person's standing word on one revision. It binds to that revision; the journal keeps changes of mind."""

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

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="votes")
    voter = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="votes")
    value = models.CharField(max_length=15, choices=Value)
    body = models.TextField(blank=True)
    # Fingerprints of the conditional findings whose assumption this approval accepts.
    acknowledges = models.JSONField(default=list)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["revision", "voter"], name="one_vote_a_person"),)

    def __str__(self) -> str:
        return f"{self.voter}: {self.value}"

    @property
    def label(self) -> str:
        return str(Vote.Value(self.value).label)


MEANINGS = {
    "approve": "Adopt it. I accept the assumptions that the report lists.",
    "nits": "Adopt it; I would mend small things that do not change the verdict.",
    "comment": "No position yet.",
    "request_changes": "Not like this: a new revision is needed. Stands until I vote again.",
    "block": "Must not be adopted in any revision until I withdraw this.",
}


class Comment(models.Model):
    """A remark on a submission, made while a certain revision was current."""

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="comments")
    body = models.TextField()
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.author}: {self.body[:50]}"
