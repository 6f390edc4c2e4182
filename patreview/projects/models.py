"""A team's scope: project, members and their roles, tokens."""

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone


class Role(models.TextChoices):
    """What a member may do; each role includes the ones before it."""

    VIEWER = "viewer"
    SUBMITTER = "submitter"
    REVIEWER = "reviewer"
    MAINTAINER = "maintainer"

    def covers(self, needed: "Role") -> bool:
        order = list(Role)
        return order.index(self) >= order.index(needed)


class Project(models.Model):
    """Members, platforms, guests, submissions, and the policy of their review."""

    class Visibility(models.TextChoices):
        PRIVATE = "private"
        PUBLIC = "public"

    slug = models.SlugField(max_length=50, unique=True)
    title = models.CharField(max_length=100)
    summary = models.CharField(max_length=500, blank=True)
    visibility = models.CharField(max_length=10, choices=Visibility, default=Visibility.PRIVATE)
    required_approvals = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])
    created_at = models.DateTimeField(default=timezone.now)
    catalogue_version = models.PositiveBigIntegerField(default=1, help_text="Rises when what is in service changes.")
    # The state that the dispatcher looked for stale runs in; see analyses/staleness.py.
    swept_version = models.PositiveBigIntegerField(default=0)
    swept_rules = models.CharField(max_length=120, blank=True)

    def __str__(self) -> str:
        return self.title


class Membership(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["project", "user"], name="one_role_a_member"),)

    def __str__(self) -> str:
        return f"{self.user}: {self.role}"


class Token(models.Model):
    """A named key of a person to one project's API. Only the hash of its secret is kept."""

    class Scope(models.TextChoices):
        READ = "read"
        SUBMIT = "submit"
        REVIEW = "review"

    key = models.CharField(max_length=8, unique=True)
    secret_hash = models.CharField(max_length=64)
    name = models.CharField(max_length=100)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tokens")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens")
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"prt_{self.key} {self.name}"
