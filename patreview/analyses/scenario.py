"""What the engine is asked: a revision against the project's platforms and guests at this moment."""

from typing import Any

from patreview import engine
from patreview.analyses.images import images_of, readings_of
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
    proposal = {"kind": "layout", "platform": platform.name, "layout": revision.content["layout"]["msr"]}
    source = _source(revision)
    return {
        "schema": engine.SCENARIO_SCHEMA,
        "platforms": [platform_data(platform)],
        "proposal": proposal | ({"source": source} if source else {}),
        "guests": [_guest(guest, [platform]) for guest in guests_on(platform)],
    }


def _guest_scenario(submission: Submission, revision: Revision) -> dict[str, Any]:
    guest = guest_of(revision)
    platforms = [platform_data(platform) for platform in platforms_in(submission.project)]
    seen = engine.platform_seen(guest)
    shown = [platform["name"] for platform in platforms if seen and engine.is_same_platform(seen, platform)]
    if seen and not shown:
        platforms.append({"name": _name_of_seen(platforms), **seen})
        shown = [platforms[-1]["name"]]
    placed = guest | {"platforms": [platform["name"] for platform in platforms]}
    return {
        "schema": engine.SCENARIO_SCHEMA,
        "platforms": platforms,
        "guests": [placed | ({"observed_on": shown} if shown else {})],
    }


def proposal_digest(revision: Revision) -> str:
    """What a revision proposes, whatever it was read from: files that say the same are the same proposal."""
    submission = revision.submission
    if submission.kind == Submission.Kind.LAYOUT:
        platform, proposed = str(submission.platform_id), revision.content["layout"]["msr"]
        source = {key: value for key, value in _source(revision).items() if key not in ("name", "binary")}
        return engine.digest("proposal", [submission.kind, platform, proposed, source])
    guest = guest_of(revision)
    facts = {key: [fact["value"], _others(fact)] for key, fact in guest["facts"].items()}
    return engine.digest("proposal", [submission.kind, guest["name"], facts])


def _others(fact: dict[str, Any]) -> list[Any]:
    return [other["value"] for other in fact.get("also", [])]


def verdict_digest(report: dict[str, Any]) -> str:
    """What a report says: its verdict, its findings with theirs, and what could not be decided."""
    said = sorted([one["fingerprint"], one["verdict"], one["state"] or ""] for one in report["findings"])
    open_rules = sorted(one["rule"] for one in report["coverage"]["undecided"])
    return engine.digest("verdict", [report["verdict"], said, open_rules])


def guest_of(revision: Revision) -> dict[str, Any]:
    """The guest that a revision proposes, with what was read of its images."""
    guest: dict[str, Any] = revision.content["guest"]
    readings = readings_of(revision)
    if not readings:
        return guest
    try:
        found = engine.add_images(guest, readings)
        engine.guest_title(found)
    except engine.InvalidInput as exc:
        # An image may say what cannot be: that is a finding, and no reason to judge nothing.
        odd = {"code": "image_refused", "message": f"what it says cannot be: {exc}"[:500]}
        return engine.add_images(guest, {role: {"problems": [odd]} for role in readings})
    return found


SEEN_PLATFORM = "collected"


def _name_of_seen(platforms: list[dict[str, Any]]) -> str:
    """The name of the host that the evidence itself shows, beside those of the project."""
    names = {platform["name"] for platform in platforms}
    return next(name for name in (SEEN_PLATFORM, *(f"{SEEN_PLATFORM}-{n}" for n in range(2, 200))) if name not in names)


def _source(revision: Revision) -> dict[str, Any]:
    """What came along with a layout: the patch that it was read from, the value that a Xen binary has built in."""
    source: dict[str, Any] = dict(revision.content["layout"].get("source") or {})
    binary = next((one for one in images_of(revision) if one.role == "xen-image"), None)
    result = readings_of(revision).get("xen-image") if binary else None
    if binary is None or result is None:
        return source
    found = engine.built_in(result)
    return {"name": binary.name} | source | {"binary": binary.name} | found


def platform_data(platform: Platform) -> dict[str, Any]:
    """A platform as a scenario has it, with the layout in force."""
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
