"""The guests of a report: one row a class, one column a memory type that somebody wants."""

from collections.abc import Sequence
from typing import Any

from patreview import engine
from patreview.web.templatetags.marks import counted

Json = dict[str, Any]

_ORDER = ("UC", "UC-", "WC", "WT", "WP", "WB")  # the manual's
_PLACES = {"mmio": "device memory", "ram": "RAM"}
SURE = "verified"


def matrices(report: Json) -> list[Json]:
    """One matrix a platform that has guests."""
    built = [
        matrix_of(platform, [row for row in report["classes"] if row["platform"] == platform["name"]])
        for platform in report["platforms"]
    ]
    return [matrix for matrix in built if matrix["rows"]]


def matrix_of(platform: Json, classes: Sequence[Json]) -> Json:
    """The matrix of some classes of one platform."""
    wanted = {want["type"] for row in classes for want in row["wants"] if want["needed"]}
    types = [name for name in _ORDER if name in wanted]
    rows = [_row(row, types) for row in classes]
    return {
        "platform": platform,
        "types": types,
        "rows": rows,
        "guests": sum(_guests(row) for row in classes),
        "compared": any(row["before"] for row in classes),
        "resumed": any(row["resumed"] for row in classes),
        "changes": _changes(classes),
        "needs": [row | {"needs": [_need(need) for need in row["needs"]]} for row in rows if row.get("needs")],
    }


def _row(row: Json, types: Sequence[str]) -> Json:
    wants = {want["type"]: want for want in row["wants"] if want["needed"]}
    return row | {
        "name": counted(row["members"], _guests(row) - len(row["members"])),
        "guests": _guests(row),
        "cells": [{"type": name, "want": _cell(wants.get(name))} for name in types],
        "verdict_moves": bool(row["before"]) and row["before"] != row["after"],
        "unsure": (row.get("confidence") or SURE) != SURE,
    }


def _guests(row: Json) -> int:
    """How many guests a class has: its members may stand for others that are alike."""
    return int(row.get("guests", len(row["members"])))


def _need(need: Json) -> Json:
    return need | {"where": _PLACES.get(need["target"], need["target"])}


def _cell(want: Json | None) -> Json | None:
    if want is None:
        return None
    before, after = want["before"], want["after"]
    given = after or before
    moved = before and after and (before["index"], before["type"]) != (after["index"], after["type"])
    refused = (want["refused"] or {}).get("by")
    wrong = want["verdict"] == "incompatible"
    return want | {"given": given, "was": before if moved else None, "wrong": wrong, "refused_by": refused}


def _changes(classes: Sequence[Json]) -> str:
    """ "2 regressed, 1 fixed, 3 unchanged"; "" where nothing is compared."""
    order = ("regressed", "fixed", "improved", "unchanged")
    counts = [(sum(1 for row in classes if row["change"] == word), word) for word in order]
    return ", ".join(f"{count} {word}" for count, word in counts if count)


def tally(report: Json) -> Json:
    """Guests by verdict, before and after, in the order of the verdicts."""
    counts = report["tally"]
    rows = [
        {"label": label, "counts": [counts[key].get(word, 0) for word in engine.VERDICTS]}
        for label, key in (("In force", "before"), ("Proposed", "after"))
        if counts.get(key)
    ]
    if len(rows) == 1:
        rows[0]["label"] = "Guests"
    return {"verdicts": engine.VERDICTS, "rows": rows, "total": sum(rows[-1]["counts"]) if rows else 0}
