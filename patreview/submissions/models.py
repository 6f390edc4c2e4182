"""Proposals under review: submission, immutable revisions, their files."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from patreview.catalogue.models import Platform
from patreview.projects.models import Project

_OPEN = models.Q(state="open")


class Submission(models.Model):
    """A proposal, of a layout for a platform or of a guest kernel. Its revisions say what is proposed."""

    class Kind(models.TextChoices):
        LAYOUT = "layout"
        GUEST = "guest"

    class State(models.TextChoices):
        OPEN = "open"
        ADOPTED = "adopted"
        WITHDRAWN = "withdrawn"
        SUPERSEDED = "superseded"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="submissions")
    kind = models.CharField(max_length=6, choices=Kind)
    title = models.CharField(max_length=100)
    external_key = models.CharField(max_length=200, null=True, help_text="A pipeline's own name for the proposal.")
    platform = models.ForeignKey(Platform, on_delete=models.PROTECT, null=True, related_name="submissions")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="submissions")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    current = models.OneToOneField("Revision", on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    # A summary of the current revision and its last run, kept for lists.
    proposed_msr = models.CharField(max_length=18, blank=True, help_text="Of a layout: the IA32_PAT value.")
    run_state = models.CharField(max_length=10, blank=True)
    verdict = models.CharField(max_length=13, blank=True)
    reported_at = models.DateTimeField(null=True, help_text="When that run ended.")
    is_stale = models.BooleanField(default=False, help_text="Whether that run saw other rules or another catalogue.")
    subject = models.CharField(max_length=100, blank=True, help_text="The platform or the guest that it is about.")
    standing_run = models.PositiveBigIntegerField(
        null=True, help_text="Id of the run whose report stands: the current revision's last completed one."
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["project", "external_key"], name="one_submission_a_key"),
            models.CheckConstraint(
                condition=models.Q(kind="layout", platform__isnull=False) | models.Q(kind="guest"),
                name="a_layout_is_for_a_platform",
            ),
        )
        # Lists go by key below each filter; the last one leads to the findings that stand.
        indexes = (
            models.Index(fields=["project", "-id"], name="submissions_newest_first"),
            models.Index(fields=["project", "kind", "subject"], name="submissions_by_subject"),
            models.Index(fields=["project", "state", "-id"], name="submissions_by_state"),
            models.Index(fields=["project", "kind", "-id"], name="submissions_by_kind"),
            models.Index(fields=["project", "verdict", "-id"], name="submissions_by_verdict"),
            models.Index(fields=["project", "owner", "-id"], name="submissions_by_owner"),
            models.Index(fields=["project", "platform", "-id"], name="submissions_by_platform"),
            models.Index(fields=["project", "verdict", "-id"], name="submissions_open_verdict", condition=_OPEN),
            models.Index(
                fields=["project", "-id"], name="submissions_stale", condition=_OPEN & models.Q(is_stale=True)
            ),
            models.Index(fields=["project", "-standing_run"], name="submissions_open", condition=_OPEN),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.title}"


class Revision(models.Model):
    """What is proposed, as the engine read it. Never changed after it is stored."""

    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    content = models.JSONField(help_text='{"layout": ...} or {"guest": facts}, and "stated": what was sent.')
    digest = models.CharField(max_length=64)
    note = models.CharField(max_length=2000, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="revisions")
    token_key = models.CharField(max_length=8, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["submission", "number"], name="one_revision_a_number"),)

    def __str__(self) -> str:
        return f"r{self.number}"


class Blob(models.Model):
    """The bytes of an uploaded file, kept once by their sha256."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    body = models.BinaryField()
    kept_at = models.DateTimeField(default=timezone.now, help_text="A draft that no revision took is forgotten.")


class Artifact(models.Model):
    """A file of a revision. Its name is hostile text; where its bytes lie is our own."""

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="artifacts")
    role = models.CharField(max_length=20)
    name = models.CharField(max_length=255)
    size = models.PositiveIntegerField()
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["revision", "role"], name="one_file_a_role"),)

    def __str__(self) -> str:
        return self.name

    @property
    def sha256(self) -> str:
        return str(self.blob_id)
