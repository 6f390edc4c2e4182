"""A team's scope: project, members and their roles, invitations, tokens."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone

APPROVALS_MAX = 10
# Control characters, line breaks of every script, and what turns the direction of writing.
_UNSAFE = r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]"
one_line = RegexValidator(_UNSAFE, "Use one line of plain characters.", inverse_match=True)


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
    title = models.CharField(max_length=100, validators=[one_line])
    summary = models.CharField(max_length=500, blank=True)
    visibility = models.CharField(max_length=10, choices=Visibility, default=Visibility.PRIVATE)
    required_approvals = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(APPROVALS_MAX)]
    )
    created_at = models.DateTimeField(default=timezone.now)
    catalogue_version = models.PositiveBigIntegerField(default=1, help_text="Rises when what is in service changes.")
    # The state that the dispatcher looked for stale runs in; see analyses/staleness.py.
    swept_version = models.PositiveBigIntegerField(default=0)
    swept_rules = models.CharField(max_length=120, blank=True)

    def __str__(self) -> str:
        return self.title


class Membership(models.Model):
    class Mail(models.TextChoices):
        """Of which submissions a member hears by mail."""

        MINE = "mine"
        ALL = "all"
        NONE = "none"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    mail = models.CharField(max_length=4, choices=Mail, default=Mail.MINE)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["project", "user"], name="one_role_a_member"),)

    def __str__(self) -> str:
        return f"{self.user}: {self.role}"


class Invitation(models.Model):
    """A link that makes one person a member. Only the hash of its secret is kept."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=10, choices=Role)
    email = models.EmailField(blank=True)
    note = models.CharField(max_length=500, blank=True)
    secret_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    def __str__(self) -> str:
        return f"{self.role} in {self.project_id}"

    @property
    def ending(self) -> str:
        """Why it can no longer be accepted: "used", "revoked", "expired"; "" while it can."""
        if self.accepted_at:
            return "used"
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at <= timezone.now() else ""


class Token(models.Model):
    """A named key of a person to one project's API. Only the hash of its secret is kept."""

    class Scope(models.TextChoices):
        READ = "read"
        SUBMIT = "submit"
        REVIEW = "review"

    key = models.CharField(max_length=8, unique=True)
    secret_hash = models.CharField(max_length=64)
    name = models.CharField(max_length=100, validators=[one_line])
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tokens")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens")
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"prt_{self.key} {self.name}"

    @property
    def is_expired(self) -> bool:
        """Whether it has lived its days; a revoked one need not have."""
        return self.expires_at <= timezone.now()
