"""Where a project stands, as its pages draw it: platforms with their tally, classes of guests, layout tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.urls import reverse

from patreview import engine
from patreview.web import derivation, guest_matrix
from patreview.web.layout_table import LayoutTable, entry_bits, layout_table
from patreview.web.templatetags.marks import counted

if TYPE_CHECKING:
    from patreview.analyses.standing import Standing
    from patreview.catalogue.queries import Platform
    from patreview.projects.queries import Project

Json = dict[str, Any]

CLASSES_SHOWN = 50  # of one platform on one page
FINDINGS_SHOWN = 50


def platform_row(platform: Platform, standing: Standing) -> Json:
    """A platform of a list, with its guests by verdict."""
    return {
        "it": platform,
        "guests": standing.counts.get(platform.pk, 0),
        "tally": standing.tally(platform.name) if platform.retired_at is None else [],
    }


def table_of(platform: Platform, standing: Standing, findings: Sequence[Json] = ()) -> LayoutTable:
    """The layout in force with who relies on which entry; without anybody where nothing is judged there."""
    known = standing.platforms.get(platform.name) if platform.retired_at is None else None
    return layout_table(known or bare_platform(platform.name, platform.layout.msr, platform.layout.name), findings)


def bare_platform(name: str, msr: str, layout_name: str) -> Json:
    """A platform of a report on which nobody relies."""
    entries = engine.check_layout(msr)["entries"]
    digits = msr.removeprefix("0x")
    return {
        "name": name,
        "before": {"msr": msr, "entries": entries, "name": layout_name},
        "entries": [
            {
                "index": index,
                "name": f"PA{index}",
                "bits": entry_bits(index),
                "before": entry,
                "byte_before": digits[14 - 2 * index : 16 - 2 * index],
            }
            for index, entry in enumerate(entries)
        ],
    }


def findings_on(platform: str, standing: Standing) -> list[Json]:
    """The findings of one platform as the page draws them; their guests stand for others that are alike."""
    found = [one for one in standing.findings if one["platform"] == platform]
    drawn = derivation.findings({"findings": found[:FINDINGS_SHOWN]})
    return [_finding(one) for one in drawn]


def _finding(one: Json) -> Json:
    count = one["count"]
    if count <= 1:
        return one
    names = counted(one["guests"], count - len(one["guests"]))
    return one | {"guests": [], "about": f"{count} guests: {names}."}


def matrix(project: Project, platform: str, standing: Standing) -> Json:
    """The classes of one platform: what each gets for what it wants; each leads to its guests."""
    classes = standing.classes_on(platform)
    rows = [row | {"href": _guests_of(project, row)} for row in classes[:CLASSES_SHOWN]]
    drawn = guest_matrix.matrix_of(standing.platforms[platform], rows) if rows else {"rows": []}
    return drawn | {
        "name": platform,
        "more": len(classes) - len(rows),
        "all": sum(row["guests"] for row in classes),
        "classes": len(classes),
        "guests_href": f"{reverse('web:guest-list', args=[project.slug])}?{urlencode({'platform': platform})}",
    }


def _guests_of(project: Project, row: Json) -> str:
    """Where the guests of a class are listed; the page of the only one."""
    if row["guests"] == 1:
        return reverse("web:guest", args=[project.slug, row["first"]])
    query = urlencode({"platform": row["platform"], "class": row["key"]})
    return f"{reverse('web:guest-list', args=[project.slug])}?{query}"


def first_classes(project: Project, standing: Standing, limit: int) -> list[Json]:
    """The worst classes over all platforms, the largest first among equals."""
    order = engine.VERDICTS.index
    rows = sorted(standing.classes, key=lambda row: (order(row["after"]), -row["guests"], row["key"]))[:limit]
    names = [counted(row["members"], row["guests"] - len(row["members"])) for row in rows]
    return [row | {"name": name, "href": _guests_of(project, row)} for row, name in zip(rows, names, strict=True)]


def tally(platform: str, standing: Standing) -> Json:
    """Guests of a platform by verdict, as `analyses/_tally.html` takes it."""
    counts = dict(standing.tally(platform))
    row = {"label": "In force", "counts": [counts.get(word, 0) for word in engine.VERDICTS]}
    return {"verdicts": engine.VERDICTS, "rows": [row] if counts else [], "total": sum(counts.values())}


def sentence(platform: str, guests: int, standing: Standing) -> tuple[str, str]:
    """The worst verdict of a platform's guests, "" where there is none, and a sentence."""
    counts = standing.tally(platform)
    if not guests:
        return "", "No guest is in service here."
    if not counts:
        return "", standing.problem or "None of its guests could be judged."
    worst, number = counts[0]
    judged = sum(count for _, count in counts)
    if worst == "compatible":
        who = f"All {judged} guests get" if judged > 1 else "The guest gets"
        return worst, f"{who} what {'they need' if judged > 1 else 'it needs'} under the layout in force."
    who = f"{number} of {judged} guests" if judged > 1 else "The guest"
    is_one = number == 1 or judged == 1
    said = {
        "incompatible": ("cannot rely on the layout in force", "cannot rely on the layout in force"),
        "indeterminate": ("lacks an input that would decide", "lack an input that would decide"),
        "conditional": ("is right under an assumption", "are right under an assumption"),
        "degraded": ("works, but slower or without a feature", "work, but slower or without a feature"),
    }[worst]
    return worst, f"{who} {said[0] if is_one else said[1]}."
