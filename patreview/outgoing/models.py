"""Outgoing mail. The journal is the outbox: how far it was read, and which letters still wait to be sent."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Mailed(models.Model):
    """How far letters were made of a project's journal."""

    project_id = models.BigIntegerField(primary_key=True)
    seq = models.PositiveBigIntegerField(default=0)


class Letter(models.Model):
    """One entry of the journal for one person. It is written when it is sent, and deleted after that."""

    project_id = models.BigIntegerField()
    seq = models.PositiveBigIntegerField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    why = models.CharField(max_length=12, help_text="turn, owner, contributor, waiver, voter, thread, all.")
    reason = models.CharField(max_length=300, help_text="The first line: why it is sent to this person.")
    due_at = models.DateTimeField(db_default=Now(), help_text="While it is being sent: when somebody else may try.")
    tries = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["project_id", "seq", "user"], name="one_letter_an_entry"),)
        indexes = (models.Index(fields=["user", "project_id"], name="letters_by_person"),)

    def __str__(self) -> str:
        return f"{self.project_id}.{self.seq} to {self.user_id}"
