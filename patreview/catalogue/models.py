"""What is in service: layouts, platforms with the layout in force, guests."""

from typing import Any

from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from patreview import engine
from patreview.projects.models import Project


class Layout(models.Model):
    """A PAT layout known to a project. Immutable: the same value is the same row."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="layouts")
    name = models.CharField(max_length=100)
    msr = models.CharField(max_length=18, help_text="The IA32_PAT value, 0x and 16 hex digits.")
    origin = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["project", "msr"], name="one_layout_a_value"),)

    def __str__(self) -> str:
        return self.name

    @property
    def entries(self) -> list[str]:
        """Memory types of PA0 to PA7."""
        entries: list[str] = engine.check_layout(self.msr)["entries"]
        return entries


class Platform(models.Model):
    """A hypervisor release with the PAT layout in force: what guests run on."""

    class Vendor(models.TextChoices):
        ANY = "any", "Intel or AMD"
        INTEL = "intel", "Intel"
        AMD = "amd", "AMD"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="platforms")
    name = models.CharField(max_length=50, validators=[RegexValidator(r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z")])
    release = models.CharField(max_length=20, help_text="Xen's release, as 4.17 or 4.17.2.")
    cpu_vendor = models.CharField(max_length=5, choices=Vendor, default=Vendor.ANY)
    layout = models.ForeignKey(Layout, on_delete=models.PROTECT, related_name="platforms")
    details = models.JSONField(
        default=dict, blank=True, help_text="What else the engine takes: cmdline, errata_cpu, mtrr, patches."
    )
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["project", "name"], name="one_platform_a_name"),)

    def __str__(self) -> str:
        return self.name

    @property
    def title(self) -> str:
        return f"Xen {self.release}"

    @property
    def stated(self) -> str:
        """The details in words, as in `command line mmio-relax; carries 40b05620e2`; "" where there are none."""
        told = (
            ("cmdline", f"command line {self.details.get('cmdline')}"),
            ("errata_cpu", "its CPUs lose index bit 2"),
            ("mtrr", "MTRRs stated"),
            ("patches", f"carries {', '.join(self.details.get('patches', []))}"),
        )
        return "; ".join(words for name, words in told if self.details.get(name))


class Guest(models.Model):
    """A guest kernel in service on platforms, with its facts as the engine read them."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="guests")
    name = models.CharField(max_length=100)
    facts = models.JSONField()
    facts_digest = models.CharField(max_length=64, help_text="Equal for guests whose facts decide alike.")
    origin = models.CharField(max_length=200, blank=True, help_text="By which submission it came in service.")
    platforms = models.ManyToManyField(Platform, related_name="guests")
    in_service_since = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["project", "name"], name="one_guest_a_name"),)
        indexes = (models.Index(fields=["project", "facts_digest"], name="guests_by_facts"),)

    def __str__(self) -> str:
        return self.name

    @property
    def summary(self) -> str:
        """As in "PV dom0, Linux 6.12.117"."""
        try:
            return engine.guest_title(self.facts)
        except engine.InvalidInput:
            return "facts that cannot be read"

    def fact(self, key: str) -> Any:
        return self.facts["facts"].get(key, {}).get("value")
