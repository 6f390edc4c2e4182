"""One entry an act, append-only, hash-chained per project. Projects are plain ids: this room knows no other."""

from typing import Any, NoReturn

from django.db import models

from patreview.journal.append_only import ENTRIES, refuse


class Head(models.Model):
    """Where a project's chain ends. Its row lock puts the entries of one project in order."""

    project_id = models.BigIntegerField(primary_key=True)
    seq = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="0" * 64)

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


class Entry(models.Model):
    """What somebody did. `hash` covers the entry and the hash before it. Never changed, never deleted."""

    project_id = models.BigIntegerField()
    seq = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    actor = models.CharField(max_length=150)
    token = models.CharField(max_length=16, blank=True)
    action = models.CharField(max_length=50)
    object = models.CharField(max_length=200)
    data = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["project_id", "seq"], name="journal_entry_in_order"),)
        indexes = (models.Index(fields=["project_id", "object", "seq"], name="journal_by_object"),)

    def __str__(self) -> str:
        return f"{self.seq} {self.action} {self.object}"

    def save(self, **kwargs: Any) -> None:
        """Only ever once. Raises append_only.Immutable, as the database does for what goes past this."""
        if not self._state.adding:
            refuse(ENTRIES)
        super().save(**kwargs | {"force_insert": True})

    def delete(self, using: Any = None, keep_parents: bool = False) -> NoReturn:
        refuse(ENTRIES)
