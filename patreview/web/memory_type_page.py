"""The page of memory types: the question of 2010, what MTRR and PAT make together, and which pairs do harm."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from patreview import engine
from patreview.web.templatetags.marks import verdict_word

Json = dict[str, Any]
Pairs = Mapping[tuple[str, str, str], Json]

VENDORS = {"intel": "Intel", "amd": "AMD"}
ASKED, GIVEN = "WC", "WT"

_DEVICE = "device memory"
_READ = "RAM that a non-snooping device reads"
_WRITTEN = "RAM that a non-snooping device also writes"
#: What lies under each MTRR type when somebody asks for WC: a device's memory, or RAM that is sent to a device.
_USUAL = {
    "UC": ("most BARs", _DEVICE),
    "WC": ("old frame buffers", _DEVICE),
    "WT": ("rare", _READ),
    "WP": ("rare, firmware", _READ),
    "WB": ("RAM", _READ),
}
_CASES = {
    _DEVICE: "Device memory",
    _READ: "If a device reads the RAM",
    _WRITTEN: "If a device also writes it, unsnooped",
}
_SLOWER = "correct, but slower: "
_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


@cache
def context(vendor: str) -> Json:
    """What the template takes for one vendor; the engine's tables never change while it runs."""
    known = engine.memory_types()
    pairs = {(pair["context"], pair["wanted"], pair["in_force"]): pair for pair in known["pairs"]}
    rows = _explorer(known, vendor, pairs)
    return {
        "vendor": vendor,
        "vendor_name": VENDORS[vendor],
        "vendors": VENDORS,
        "order": known["order"],
        "asked": ASKED,
        "given": GIVEN,
        "question": _question(vendor),
        "answer": [_answer(known["effective"][vendor][mtrr], mtrr, pairs) for mtrr in _USUAL],
        "explorer": rows,
        "differing": sum(bool(cell["elsewhere"]) for row in rows for cell in row["cells"]),
        "notes": known["notes"][vendor],
        "disputed": _disputed(known["disputed"]),
        "properties": [_property_rows(known, kind) for kind in ("liberties", "services")],
        "harms": _harms(known),
        "pair_tables": _pair_tables(known, pairs),
        "errata": [row | {"models": f"{row['first_model']:#x} to {row['last_model']:#x}"} for row in known["errata"]],
        "updates": known["specification_updates"],
        "conditions": known["conditions"],
        "leaves": [leaf | {"size": _size(leaf["page_bytes"])} for leaf in known["leaves"]],
        "sources": _unique(cite for row in (*known["liberties"], *known["services"]) for cite in row["cites"]),
        "pair_sources": _unique(cite for pair in known["pairs"] for cite in pair["cites"]),
    }


def _question(vendor: str) -> Json:
    """The question of 29 March 2010 put to the engine: a dom0 that uses PA1 for WC, under Xen's layout."""
    report = engine.analyse(
        {
            "schema": engine.SCENARIO_SCHEMA,
            "platform": {"xen": "3.4", "vendor": vendor, "layout": "WB WT UC- UC WC WP UC UC"},
            "guests": [
                {
                    "name": "the kernel",
                    "family": "stated",
                    "mode": "pv",
                    "role": "dom0",
                    "encodings": {"WB": "0", "WC": "PWT", "UC-": "PCD", "UC": "PCD+PWT"},
                    "needs": [ASKED],
                }
            ],
        }
    )
    assumptions = (finding["assumption"] for finding in report["findings"] if finding["assumption"])
    return {
        "verdict": report["verdict"],
        "icon": f"v-{report['verdict']}",
        "word": verdict_word(report["verdict"]),
        "assumption": next(assumptions, ""),
    }


def _answer(by_pat: Mapping[str, str], mtrr: str, pairs: Pairs) -> Json:
    """One stop of the strip: asked WC by the index of a WT entry, under one MTRR type."""
    gets = by_pat[GIVEN]
    usual, where = _USUAL[mtrr]
    contexts = (where,) if where == _DEVICE else (_READ, _WRITTEN)
    cases = [{"when": _CASES[context]} | pairs[context, ASKED, gets] for context in contexts]
    if len({(case["verdict"], case["consequence"]) for case in cases}) == 1:
        cases = [cases[0] | {"when": _CASES[_DEVICE] if where == _DEVICE else "RAM, whoever writes it"}]
    spared = [pat for pat, made in by_pat.items() if made == ASKED and pat != ASKED] if gets != ASKED else []
    return {"mtrr": mtrr, "usual": usual, "gets": gets, "cases": cases, "spared": " or ".join(spared)}


def _explorer(known: Json, vendor: str, pairs: Pairs) -> list[Json]:
    """The grid MTRR x PAT, each cell with what it means for one who wanted WC."""
    grid = known["effective"][vendor]
    others = {name: known["effective"][key] for key, name in VENDORS.items() if key != vendor}
    return [
        {
            "mtrr": mtrr,
            "usual": usual,
            "cells": [
                _cell(pat, pairs[where, ASKED, made], {name: other[mtrr][pat] for name, other in others.items()})
                for pat, made in ((pat, grid[mtrr][pat]) for pat in known["order"])
            ],
        }
        for mtrr, (usual, where) in _USUAL.items()
    ]


def _cell(pat: str, pair: Json, elsewhere: Mapping[str, str]) -> Json:
    made = pair["in_force"]
    return {
        "pat": pat,
        "type": made,
        "verdict": pair["verdict"],
        "says": pair["consequence"].removeprefix(_SLOWER),
        "elsewhere": [f"{vendor}: {other}" for vendor, other in elsewhere.items() if other != made],
    }


def _disputed(cells: Iterable[Json]) -> Json:
    """The cells on which sources differ: one row a cell, one column a source."""
    shown = list(cells)
    sources = _unique(source for cell in shown for source in cell["said"])
    rows = [cell | {"by_source": [cell["said"].get(source, "") for source in sources]} for cell in shown]
    return {"sources": sources, "rows": rows}


def _property_rows(known: Json, kind: str) -> Json:
    rows = [row | {"cells": [name in row["types"] for name in known["order"]]} for row in known[kind]]
    return {"kind": kind, "rows": rows}


def _harms(known: Json) -> Json:
    """Which liberty does harm in which context."""
    titles = {row["key"]: row["title"] for row in known["liberties"]}
    contexts = _unique(harm["context"] for harm in known["harms"])
    verdicts = {(harm["liberty"], harm["context"]): harm["verdict"] for harm in known["harms"]}
    rows = [{"title": titles[key], "cells": [verdicts[key, context] for context in contexts]} for key in titles]
    return {"contexts": contexts, "rows": rows}


def _pair_tables(known: Json, pairs: Pairs) -> list[Json]:
    """One table a context: wanted by in force."""
    in_force = _unique(pair["in_force"] for pair in known["pairs"])
    return [
        {
            "context": context,
            "in_force": in_force,
            "rows": [
                {"wanted": wanted, "cells": [pairs[context, wanted, given] for given in in_force]}
                for wanted in known["order"]
            ],
        }
        for context in _unique(pair["context"] for pair in known["pairs"])
    ]


def _size(page_bytes: int | None) -> str:
    """Bytes in the largest unit that leaves a whole number; "" for an entry that maps no page."""
    for size, unit in _UNITS:
        if page_bytes and page_bytes % size == 0:
            return f"{page_bytes // size} {unit}"
    return ""


def _unique(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))
