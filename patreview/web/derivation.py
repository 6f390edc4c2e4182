"""Findings as the page draws them: a word, a line about whom, and the chain of steps."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

Json = dict[str, Any]

# A page-table entry of 4 KiB, bits 8 to 0: name, number, the key of the bit in a step.
_PTE_BITS = (
    ("G", 8, None),
    ("PAT", 7, "pat"),
    ("D", 6, None),
    ("A", 5, None),
    ("PCD", 4, "pcd"),
    ("PWT", 3, "pwt"),
    ("U/S", 2, None),
    ("R/W", 1, None),
    ("P", 0, None),
)
_CELL = 38  # width of one bit in the drawing's units
_STATES = {
    "new": "New against the layout in force.",
    "changed": "Also found with the layout in force, with another result.",
    "unchanged": "Also found with the layout in force.",
    "fixed": "Found with the layout in force; gone with the proposed one.",
}
_UNSURE = {
    "derived": "derived: computed from what was seen in texts or code.",
    "recalled": "recalled: not seen again in a text or in code.",
}
_OPEN_AT_FIRST = 2  # findings whose derivation is shown without a click
_IN_A_ROW = 7  # steps that fit side by side


def findings(report: Json) -> list[Json]:
    """The report's findings, each with what the page adds: id, word, chain, open or closed."""
    return [_finding(finding, place) for place, finding in enumerate(report["findings"])]


def _finding(finding: Json, place: int) -> Json:
    fixed = finding["state"] == "fixed"
    worst = finding["verdict"] in ("incompatible", "indeterminate", "conditional")
    shown = "compatible" if fixed else finding["verdict"]
    steps, consequence = _split(finding["steps"])
    return finding | {
        "anchor": f"f{place + 1}",
        "fixed": fixed,
        "shown_verdict": shown,
        "mark": f"v-{shown}",
        "word": "Fixed" if fixed else "",
        "advice": finding["severity"] == "advice" and not fixed,
        "unsure": _UNSURE.get(finding.get("confidence") or "", ""),
        "about": _STATES.get(finding["state"] or "", ""),
        "chain": steps,
        "consequence": consequence,
        # The rail and the consequence say all that the message says.
        "told": consequence is not None and consequence["why"] in finding["message"],
        "alternatives": len(steps) > 1 and all(step["kind"] == "premise" for step in steps),
        "long": len(steps) > _IN_A_ROW,
        "open": place < _OPEN_AT_FIRST and worst and not fixed,
    }


def _split(steps: Sequence[Json]) -> tuple[list[Json], Json | None]:
    """The stops of the rail, and the consequence, which is written below it."""
    bits = next((step["bits"] for step in steps if step["bits"]), None)
    stops = [_stop(step, bits) for step in steps if step["kind"] != "consequence"]
    for earlier, stop in pairwise(stops):
        stop["same_source"] = bool(stop["cites"]) and stop["cites"] == earlier["cites"]
    return stops, next((step for step in steps if step["kind"] == "consequence"), None)


def _stop(step: Json, bits: Json | None) -> Json:
    """One stop; `bits` are those of the page-table entry, which the index is computed from."""
    kind, types = step["kind"], step["types"] or []
    stop = step | {"types": types, "pte": pte(step["bits"]) if kind == "pte" and step["bits"] else None}
    if kind == "index" and bits:
        return stop | {"formula": bits, "why": ""}
    if kind == "effective" and types:
        # The engine gives what was wanted and what is in force, in this order.
        return stop | {"types": types[-1:], "wanted": types[0] if types[0] != types[-1] else ""}
    if kind == "pat" and len(set(types)) == 1:
        return stop | {"types": types[:1]}
    return stop


def pte(bits: Json) -> Json:
    """Bits 8 to 0 of a page-table entry as cells to draw, the three cache bits marked."""
    cells = [
        {
            "name": name,
            "number": number,
            "key": key is not None,
            "set": bool(key and bits.get(key)),
            "bit": "" if key is None else int(bool(bits.get(key))),
            "left": n * _CELL + 1,
            "middle": n * _CELL + 1 + _CELL // 2,
        }
        for n, (name, number, key) in enumerate(_PTE_BITS)
    ]
    values = {key: int(bool(bits.get(key))) for key in ("pat", "pcd", "pwt")}
    words = "PAT, bit 7, is {pat}; PCD, bit 4, is {pcd}; PWT, bit 3, is {pwt}".format(**values)
    return {"cells": cells, "words": words, "width": len(_PTE_BITS) * _CELL + 2}


def counted(shown: Sequence[Json]) -> Json:
    """How many findings of each standing: open ones, fixed ones, advice."""
    fixed = sum(1 for finding in shown if finding["fixed"])
    advice = sum(1 for finding in shown if finding["advice"])
    return {"open": len(shown) - fixed - advice, "fixed": fixed, "advice": advice}
