"""How platforms, layouts and guests look in answers."""

from typing import Any

from patreview.analyses.standing import Standing
from patreview.api.documents import ROOT, moment
from patreview.catalogue.queries import Guest, Layout, Platform

Data = dict[str, Any]


def platform_document(platform: Platform, slug: str) -> Data:
    """A platform; `retired_at` is null while it is in service."""
    return {
        "name": platform.name,
        "hypervisor": platform.title,
        "release": platform.release,
        "cpu_vendor": platform.cpu_vendor,
        "layout": platform.layout.msr,
        "layout_name": platform.layout.name,
        "details": platform.details,
        "retired_at": moment(platform.retired_at),
        "url": f"{ROOT}/projects/{slug}/platforms/{platform.name}",
    }


def platform_standing(platform: Platform, standing: Standing) -> Data:
    """How many guests are in service on it, by verdict, and who relies on which entry."""
    known = standing.platforms.get(platform.name) if platform.retired_at is None else None
    return {
        "guests": standing.counts.get(platform.pk, 0),
        "verdicts": dict(standing.tally(platform.name)) if known else {},
        "entries": [_entry(entry) for entry in known["entries"]] if known else [],
    }


def _entry(entry: Data) -> Data:
    names = ("wants", "how", "members", "guests")
    relied = [{name: one[name] for name in names} for one in entry["relied_on"]]
    return {"name": entry["name"], "type": entry["before"], "verdict": entry["verdict"], "relied_on": relied}


def layout_document(layout: Layout, slug: str) -> Data:
    return {
        "msr": layout.msr,
        "name": layout.name,
        "entries": layout.entries,
        "origin": layout.origin,
        "created_at": moment(layout.created_at),
        "url": f"{ROOT}/projects/{slug}/layouts/{layout.msr}",
    }


def guest_document(guest: Guest, slug: str, standing: Standing) -> Data:
    """A row of a list; the verdict of a platform is null where it is retired, the guest is, or it was not judged."""
    return {
        "id": guest.pk,
        "name": guest.name,
        "summary": guest.summary,
        "platforms": [_place(guest, platform, standing) for platform in _by_name(guest)],
        "facts_digest": guest.facts_digest,
        "origin": guest.origin,
        "in_service_since": moment(guest.in_service_since),
        "retired_at": moment(guest.retired_at),
        "url": f"{ROOT}/projects/{slug}/guests/{guest.pk}",
    }


def _by_name(guest: Guest) -> list[Platform]:
    return sorted(guest.platforms.all(), key=lambda platform: platform.name)


def _place(guest: Guest, platform: Platform, standing: Standing) -> Data:
    is_judged = guest.retired_at is None and platform.retired_at is None
    known = standing.class_of(guest.facts_digest, platform.name) if is_judged else None
    return {
        "name": platform.name,
        "verdict": known["after"] if known else None,
        "class": known["key"] if known else None,
    }


def class_document(row: Data) -> Data:
    """Guests that encode and need the same on a platform; `members` are some of them."""
    names = ("key", "platform", "title", "row", "behaviour", "confidence", "guests")
    wants = [
        {"type": want["type"], "needed": want["needed"], "given": want["after"], "verdict": want["verdict"]}
        for want in row["wants"]
        if want["needed"]
    ]
    return {name: row[name] for name in names} | {
        "verdict": row["after"],
        "members": row["members"],
        "needs": row["needs"],
        "wants": wants,
    }
