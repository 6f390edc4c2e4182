"""The page of guest kernels: which PAT index each sets for each type, who loses the PAT bit, what drivers map."""

from collections.abc import Iterable
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from patreview import engine

Json = dict[str, Any]

_MODES = (("PV dom0", "pv_dom0"), ("PV domU", "pv_domu"), ("HVM, PVH", "native"))
_ANY_PV = "PV dom0, PV domU"


@cache
def context() -> Json:
    """What the template takes; the engine's tables never change while it runs."""
    order = engine.memory_types()["order"]
    titles = {family["family"]: family["title"] for family in engine.known_families()}
    layouts = {layout["key"]: layout for layout in engine.known_layouts()}
    kernels = engine.known_guests()
    return {
        "order": order,
        "families": [
            {
                "family": family,
                "title": titles.get(family, family),
                "kernels": [_kernel(row, order, layouts) for row in rows],
            }
            for family, rows in groupby(kernels, itemgetter("family"))
        ],
        "kernels": len(kernels),
        "losses": [_loss(row) for row in engine.known_losses()],
        "drivers": [_driver(row) for row in engine.known_drivers()],
    }


def _kernel(row: Json, order: Iterable[str], layouts: Json) -> Json:
    """A kernel with one line a behaviour: modes that behave alike share it."""
    lines: list[Json] = []
    for mode, key in _MODES:
        behaviour = row[key]
        same = next((line for line in lines if line["behaviour"] == behaviour), None)
        if same:
            same["modes"] += f", {mode}"
        elif behaviour:
            lines.append({"modes": mode, "behaviour": behaviour})
    for line in lines:
        line["modes"] = line["modes"].replace(_ANY_PV, "PV")
        line["cells"] = [_index(line["behaviour"]["indices"][name], name) for name in order]
    cites = dict.fromkeys(cite for line in lines for cite in line["behaviour"]["cites"])
    programs = {"layout": layouts.get(row["layout"]), "errata": layouts.get(row["errata_layout"])}
    return row | programs | {"lines": lines, "cites": list(cites)}


def _index(index: int | str | None, name: str) -> Json:
    return {"type": name, "index": index, "known": isinstance(index, int)}


def _loss(row: Json) -> Json:
    one_series = row["first"] == row["last"]
    fixed = row["fixed"] is not None
    return row | {
        "series": row["first"] if one_series else f"{row['first']} to {row['last']}",
        "loses": f"up to {row['first']}.{row['without']}" if fixed else "every release",
        "fixed": f"{row['first']}.{row['fixed']}" if fixed else "",
    }


def _driver(row: Json) -> Json:
    cites = [*row["cites"], *(cite for one in row["constraints"] for cite in one["cites"])]
    return row | {
        "maps": _places(row["wants"]),
        "may_map": _places(row["possible"]),
        "cites": list(dict.fromkeys(cites)),
    }


def _places(needs: Iterable[str]) -> list[Json]:
    """ "WC@mmio", "WC@ram" as one type with its places."""
    places: dict[str, list[str]] = {}
    for need in needs:
        name, _, place = need.partition("@")
        places.setdefault(name, []).append({"mmio": "MMIO", "ram": "RAM"}.get(place, place))
    return [{"type": name, "places": ", ".join(found)} for name, found in places.items()]
