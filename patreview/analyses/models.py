"""Runs of the engine and what they stored. The run row is the queue: Redis only hints at it."""

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from patreview.journal.append_only import REPORTS, refuse
from patreview.submissions.models import Revision


class Run(models.Model):
    """One execution of the engine over a revision. All attempts are kept; a terminal state never changes.

    `fence` counts claims: a worker may complete only the claim it made. `lease_until` is when a claim
    that was not completed is given out again, by the database's clock.
    """

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        COMPLETED = "completed"
        FAILED = "failed"
        TIMED_OUT = "timed_out"
        CANCELLED = "cancelled"

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="runs")
    attempt = models.PositiveIntegerField()
    trigger = models.CharField(max_length=20, default="submitted")
    reason = models.CharField(max_length=200, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", help_text="Null: the service."
    )
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    claims = models.PositiveIntegerField(default=0)
    fence = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    claimed_by = models.CharField(max_length=100, blank=True)
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    reason_code = models.CharField(max_length=30, blank=True)
    reason_text = models.CharField(max_length=500, blank=True)
    verdict = models.CharField(max_length=13, blank=True)
    engine_version = models.CharField(max_length=20, blank=True)
    rules_digest = models.CharField(max_length=80, blank=True)
    input_digest = models.CharField(max_length=64, blank=True, help_text="Of the scenario that the engine was asked.")
    report_digest = models.CharField(max_length=64, blank=True)
    # What is proposed, and what was said of it, without where it was read: an approval is carried by these two.
    proposal_digest = models.CharField(max_length=64, blank=True)
    verdict_digest = models.CharField(max_length=64, blank=True)
    catalogue_version = models.PositiveBigIntegerField(default=0, help_text="Of the project, when the run was judged.")
    stale_reasons = models.JSONField(default=list, blank=True, help_text="engine, rules, baseline, fleet.")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["revision", "attempt"], name="one_run_an_attempt"),)
        indexes = (
            models.Index(fields=["not_before"], name="runs_queued", condition=Q(state="queued")),
            models.Index(fields=["lease_until"], name="runs_running", condition=Q(state="running")),
            models.Index(fields=["started_at"], name="runs_by_start"),
        )

    def __str__(self) -> str:
        return f"run {self.pk}: {self.state}"

    @property
    def is_finished(self) -> bool:
        return self.state not in {self.State.QUEUED, self.State.RUNNING}


class ImageReading(models.Model):
    """What a worker's child read of an image, kept by its sha256: the same bytes are read once an engine version.

    A result that is not final (time or memory ran out) is tried again by the next run.
    """

    sha256 = models.CharField(max_length=64)
    engine_version = models.CharField(max_length=20)
    result = models.JSONField(help_text='{"reading": ...} or {"problems": [...]}, and how it was read.')
    is_final = models.BooleanField(default=True)
    read_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["sha256", "engine_version"], name="one_reading_an_image"),)
        indexes = (models.Index(fields=["-read_at"], name="readings_newest_first"),)

    def __str__(self) -> str:
        return f"reading of {self.sha256[:12]}"


class Report(models.Model):
    """What a completed run stored: canonical JSON, immutable, one a run."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, primary_key=True, related_name="report")
    digest = models.CharField(max_length=64)
    body = models.TextField()
    scenario = models.TextField(blank=True, help_text="What the engine was asked, as canonical JSON.")

    def __str__(self) -> str:
        return f"report of run {self.pk}"

    def save(self, **kwargs: Any) -> None:
        """Only ever once. Raises append_only.Immutable, as the database does for what goes past this."""
        if not self._state.adding:
            refuse(REPORTS)
        super().save(**kwargs | {"force_insert": True})

    def delete(self, using: Any = None, keep_parents: bool = False) -> NoReturn:
        refuse(REPORTS)


class Finding(models.Model):
    """One statement of a report, by rule and class of guests; the report's body holds it whole."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="findings")
    position = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=64)
    rule = models.CharField(max_length=6)
    class_key = models.CharField(max_length=20, blank=True)
    verdict = models.CharField(max_length=13)
    severity = models.CharField(max_length=11)
    state = models.CharField(max_length=9, blank=True)
    title = models.CharField(max_length=300)
    guests = models.JSONField(default=list)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "position"], name="findings_in_order"),)
        indexes = (
            models.Index(fields=["fingerprint"], name="findings_by_fingerprint"),
            # What is rare among all findings: without these a search for it reads them all.
            models.Index(fields=["verdict", "run", "position"], name="findings_by_verdict"),
            models.Index(fields=["rule", "run", "position"], name="findings_by_rule"),
        )

    def __str__(self) -> str:
        return f"{self.rule} {self.title}"
