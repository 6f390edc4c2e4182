"""What the engine is asked: a revision against the project's platforms and guests at this moment."""

from typing import Any

from patreview import engine
from patreview.catalogue.models import Guest, Platform
from patreview.catalogue.queries import guests_on, platforms_in
from patreview.submissions.models import Revision, Submission


def scenario_of(revision: Revision) -> dict[str, Any]:
    """Plain data for engine.analyse()."""
    submission = revision.submission
    if submission.kind == Submission.Kind.LAYOUT:
        return _layout_scenario(submission, revision)
    return _guest_scenario(submission, revision)


def _layout_scenario(submission: Submission, revision: Revision) -> dict[str, Any]:
    assert submission.platform_id is not None, "the database refuses a layout without a platform"
    platform = Platform.objects.select_related("layout").get(pk=submission.platform_id)
    return {
        "schema": engine.SCENARIO_SCHEMA,
        "platforms": [_platform(platform)],
        "proposal": {"kind": "layout", "platform": platform.name, "layout": revision.content["layout"]["msr"]},
        "guests": [_guest(guest, [platform]) for guest in guests_on(platform)],
    }


def _guest_scenario(submission: Submission, revision: Revision) -> dict[str, Any]:
    platforms = list(platforms_in(submission.project))
    facts = revision.content["guest"]
    return {
        "schema": engine.SCENARIO_SCHEMA,
        "platforms": [_platform(platform) for platform in platforms],
        "guests": [facts | {"platforms": [platform.name for platform in platforms]}],
    }


def _platform(platform: Platform) -> dict[str, Any]:
    return {
        "name": platform.name,
        "xen": platform.release,
        "vendor": platform.cpu_vendor,
        "layout": platform.layout.msr,
        "layout_name": platform.layout.name,
        **platform.details,
    }


def _guest(guest: Guest, platforms: list[Platform]) -> dict[str, Any]:
    facts: dict[str, Any] = guest.facts
    return facts | {"name": guest.name, "platforms": [platform.name for platform in platforms]}
