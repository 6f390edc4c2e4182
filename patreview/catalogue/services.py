"""Change what is in service. Callers check the right and hold the transaction: adopting and set-up do.

What people do to the catalogue themselves, with their rights checked, is in `registration` and `retirement`.

Every change holds the project's lock until its transaction ends, so that whoever judges by what is in
service and then changes it (adopting does both) holds it too and sees nothing change in between.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F

from patreview import engine
from patreview.catalogue.facts import facts_digest
from patreview.catalogue.models import Guest, Layout, Platform
from patreview.journal.services import record
from patreview.projects.models import Project

PLATFORMS_MAX = 100  # in service in a project: the engine judges at most so many at once
RESERVED_NAMES = ("add",)  # an address of its own among those of the platforms


def hold(project_id: int) -> Project:
    """Lock what is in service in a project until the transaction ends. Submitting goes on meanwhile."""
    return Project.objects.select_for_update(no_key=True).get(pk=project_id)


def changed(project_id: int) -> None:
    """What is in service is another from now on: runs that judged by what was before may be stale.

    Every change calls it, in its transaction.
    """
    Project.objects.filter(pk=project_id).update(catalogue_version=F("catalogue_version") + 1)


def know_layout(project: Project, text: str, *, name: str = "", origin: str = "") -> Layout:
    """The project's layout of that value, added when it is not known yet. Raises engine.InvalidInput."""
    msr = engine.check_layout(text)["msr"]
    known = {layout["msr"]: layout["title"] for layout in engine.known_layouts()}
    defaults = {"name": name or known.get(msr, msr), "origin": origin}
    return Layout.objects.get_or_create(project=project, msr=msr, defaults=defaults)[0]


@transaction.atomic
def add_platform(
    project: Project,
    name: str,
    *,
    release: str,
    layout: Layout,
    cpu_vendor: str = "any",
    details: dict[str, Any] | None = None,
    by: str,
    token: str = "",
) -> Platform:
    """Raises ValidationError on a bad name, engine.InvalidInput on what no table knows."""
    if name in RESERVED_NAMES:
        raise ValidationError({"name": f"{name!r} is no name for a platform: choose another, as xen-{release}."})
    engine.check_platform({"xen": release, "vendor": cpu_vendor, **(details or {})})
    hold(project.pk)
    platform = Platform(
        project=project, name=name, release=release, cpu_vendor=cpu_vendor, layout=layout, details=details or {}
    )
    platform.full_clean()
    platform.save()
    changed(project.pk)
    about = {"release": release, "layout": layout.msr, "cpu_vendor": cpu_vendor, "details": platform.details}
    record(project.pk, "platform.added", f"platform:{name}", actor=by, token=token, **about)
    return platform


@transaction.atomic
def put_guest_in_service(
    project: Project, facts: dict[str, Any], platforms: list[Platform], *, by: str, origin: str = ""
) -> Guest:
    """A guest of that name takes the facts, or joins; a retired one returns."""
    hold(project.pk)
    defaults = {"facts": facts, "facts_digest": facts_digest(facts), "retired_at": None, "origin": origin}
    guest, created = Guest.objects.update_or_create(project=project, name=facts["name"], defaults=defaults)
    guest.platforms.add(*platforms)
    changed(project.pk)
    action = "guest.added" if created else "guest.changed"
    names, digest = [platform.name for platform in platforms], engine.digest("facts", facts)
    about: dict[str, Any] = {"platforms": names, "facts": digest} | ({"origin": origin} if origin else {})
    record(project.pk, action, f"guest:{guest.name}", actor=by, **about)
    return guest


@transaction.atomic
def put_layout_in_force(platform: Platform, layout: Layout, *, by: str) -> None:
    """What guests of this platform live under from now on.

    A layout that is not Xen's own was reviewed as one whose Xen is patched along: now that is a fact.
    """
    hold(platform.project_id)
    current = Platform.objects.select_related("layout").get(pk=platform.pk)
    patches = {*current.details.get("patches", []), *engine.patches_along(current.release, layout.msr)}
    details = current.details | ({"patches": sorted(patches)} if patches else {})
    Platform.objects.filter(pk=platform.pk).update(layout=layout, details=details)
    changed(platform.project_id)
    subject, before = f"platform:{platform.name}", current.layout.msr
    record(platform.project_id, "layout.in_force", subject, actor=by, before=before, after=layout.msr, details=details)
    if layout.msr != before:
        _forget_boot_logs(platform, by=by)


def _forget_boot_logs(platform: Platform, *, by: str) -> None:
    """What PV guests saw at boot was the layout that is replaced: it is no evidence of the one in force now."""
    for guest in platform.guests.all():
        stated = guest.facts["facts"]
        if "observed_pat" in stated and guest.fact("mode") not in ("hvm", "pvh"):  # those see a layout of their own
            facts = guest.facts | {"facts": {name: fact for name, fact in stated.items() if name != "observed_pat"}}
            Guest.objects.filter(pk=guest.pk).update(facts=facts, facts_digest=facts_digest(facts))
            record(
                platform.project_id,
                "guest.changed",
                f"guest:{guest.name}",
                actor=by,
                facts=engine.digest("facts", facts),
            )
