"""What was done to a platform or a guest, in words, from the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.urls import reverse

from patreview import engine
from patreview.journal.queries import entries_about
from patreview.projects.queries import Role
from patreview.web.origins import origin_of

if TYPE_CHECKING:
    from patreview.journal.queries import Entry
    from patreview.projects.queries import Project

Json = dict[str, Any]

SHOWN = 20
_ACTS = {
    "platform.added": "Added",
    "platform.retired": "Retired",
    "platform.restored": "Back in service",
    "layout.in_force": "Layout put in force",
    "guest.added": "Put in service",
    "guest.changed": "Facts changed",
    "guest.retired": "Retired",
    "guest.restored": "Back in service",
}


def history(project: Project, subject: str, *, role: Role | None) -> Json:
    """The newest acts on one object, as "guest:NAME"; `is_cut` says that there are older ones.

    It is for everybody who sees the object. Those who may read the journal are led to the whole of it.
    """
    entries = list(entries_about(project.pk, subject, SHOWN + 1))
    journal = f"{reverse('web:activity', args=[project.slug])}?{urlencode({'object': subject})}"
    return {
        "rows": [_row(entry) for entry in entries[:SHOWN]],
        "is_cut": len(entries) > SHOWN,
        "journal": journal if role is not None and role.covers(Role.REVIEWER) else "",
    }


def retired_because(rows: list[Json]) -> str:
    """The reason of the last retirement; "" where none was given or it is out of sight."""
    return next((row["reason"] for row in rows if row["act"] == "Retired"), "")


def _row(entry: Entry) -> Json:
    data = entry.data if isinstance(entry.data, dict) else {}
    return {
        "at": entry.at,
        "by": entry.actor,
        "act": _ACTS.get(entry.action, entry.action),
        "reason": str(data.get("reason", "")),
        "before": _layout(data.get("before")),
        "after": _layout(data.get("after") or (data.get("layout") if entry.action == "platform.added" else None)),
        "platforms": [str(name) for name in data.get("platforms") or []],
        "origin": origin_of(str(data.get("origin", ""))),
    }


def _layout(msr: Any) -> Json | None:
    try:
        return {"msr": msr, "entries": engine.check_layout(msr)["entries"]} if isinstance(msr, str) else None
    except engine.InvalidInput:
        return None
